"""Names in annotations whose types load only when a program evaluates the annotation.

An annotation is a text such as ``"_annotations.AnySession | None"``. Type checkers and
``typing.get_type_hints`` see the type itself. Importing it for every client would take longer than
creating the client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.session import Session as BotocoreSession
    from typing_extensions import Unpack as Unpack  # noqa: PLC0414  # an export

    from ._models._instance import DBInstance as DBInstance  # noqa: PLC0414
    from ._models._restore import RestoreOptions as RestoreOptions  # noqa: PLC0414

    AnySession = Session | BotocoreSession
else:
    _HOMES = {
        "DBInstance": "._models._instance",
        "RestoreOptions": "._models._restore",
        "Unpack": "typing_extensions",
    }

    def __getattr__(name: str) -> Any:
        if name == "AnySession":
            sessions = (import_module(f"{library}.session") for library in ("boto3", "botocore"))
            boto3_session, botocore_session = (module.Session for module in sessions)
            return boto3_session | botocore_session
        if name not in _HOMES:
            raise AttributeError(name)
        return getattr(import_module(_HOMES[name], __package__), name)
