"""Names in annotations whose types load only when a program evaluates the annotation.

Type checkers see the types themselves. ``typing.get_type_hints`` evaluates ``"AnySession | None"``
and ``"Unpack[RestoreOptions]"``, and gets the types, too. Importing them for every client would
take longer than creating it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from boto3.session import Session
    from botocore.session import Session as BotocoreSession
    from typing_extensions import Unpack as Unpack  # noqa: PLC0414  # an export

    from ._models._instance import DBInstance as DBInstance  # noqa: PLC0414
    from ._models._restore import RestoreOptions as RestoreOptions  # noqa: PLC0414

    AnySession = Session | BotocoreSession
else:

    class _LateType:
        def __init__(self, load: Callable[[], Any]) -> None:
            self._load = load

        def __or__(self, other: object) -> Any:
            return self._load() | other

        def __getitem__(self, _: object) -> Any:
            return self._load()

    # ruff: noqa: PLC0415

    def _load_sessions() -> Any:
        from boto3.session import Session
        from botocore.session import Session as BotocoreSession

        return Session | BotocoreSession

    def _load_options() -> Any:
        from typing_extensions import Unpack

        from ._models._restore import RestoreOptions

        return Unpack[RestoreOptions]

    def __getattr__(name: str) -> Any:  # for "_annotations.DBInstance", which has no operator
        if name != "DBInstance":
            raise AttributeError(name)
        from ._models._instance import DBInstance

        return DBInstance

    AnySession = _LateType(_load_sessions)
    RestoreOptions = None  # in brackets after the next name
    Unpack = _LateType(_load_options)
