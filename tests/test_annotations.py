"""Tests that every public signature resolves at run time, as dependency injection needs it."""

import importlib
import inspect
import typing
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import pytest
from boto3.session import Session
from botocore.session import Session as BotocoreSession
from typing_extensions import Unpack

from rds_backup_replication import BackupReplicationClient, RestoreOptions

from . import api
from .process_cases import run_python

MODULES = [
    name
    for name in (f"{api.PACKAGE}{module}" for module in api.MODULES)
    if not name.endswith(("plugin", "__main__"))  # fixtures and scripts, which nobody calls
]


def functions_of(kind: type) -> Iterator[tuple[str, FunctionType]]:
    """Yield the public functions of a class, also those below properties."""
    for name in dir(kind):
        value: Any = inspect.getattr_static(kind, name)
        value = getattr(value, "fget", None) or getattr(value, "__func__", value)
        is_own = str(getattr(value, "__module__", "")).startswith(api.PACKAGE)
        is_public = name == "__init__" or not name.startswith("_")
        if isinstance(value, FunctionType) and is_own and is_public:
            yield f"{kind.__name__}.{name}", value


def public_callables() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for module_name in MODULES:
        module = importlib.import_module(module_name)
        for name in getattr(module, "__all__", vars(module)):
            value = getattr(module, name)
            is_own = str(getattr(value, "__module__", "")).startswith(api.PACKAGE)
            if name.startswith("_") or not callable(value) or not is_own:
                continue
            found[f"{module_name}.{name}"] = value
            if inspect.isclass(value):
                found.update(functions_of(value))
    return found


CALLABLES = public_callables()


@pytest.mark.parametrize("name", CALLABLES)
def test_public_signature_resolves(name: str) -> None:
    value = CALLABLES[name]
    for hint in typing.get_type_hints(value, include_extras=True).values():
        assert not isinstance(hint, str)
    if not inspect.isclass(value):
        inspect.signature(value, eval_str=True)


def test_callables_of_all_kinds_are_covered() -> None:
    assert {
        "rds_backup_replication.BackupReplicationClient",
        "BackupReplicationClient.__init__",
        "BackupReplicationClient.region_name",
        "BackupReplicationClient.restore_db_instance_to_point_in_time",
        "ReplacementError.__init__",
        "rds_backup_replication.fleet.audit",
    } <= CALLABLES.keys()


def test_late_types_are_the_real_ones() -> None:
    hints = typing.get_type_hints(BackupReplicationClient.__init__)
    assert hints["session"] == Session | BotocoreSession | None
    restore = inspect.signature(
        BackupReplicationClient.restore_db_instance_to_point_in_time, eval_str=True
    )
    assert restore.parameters["options"].annotation == Unpack[RestoreOptions]


def test_client_loads_no_late_type() -> None:
    code = (
        "import sys, rds_backup_replication\n"
        "rds_backup_replication.BackupReplicationClient\n"
        "late = {'boto3', 'rds_backup_replication._models._restore'}\n"
        "assert not late & set(sys.modules)\n"
    )
    ran = run_python(code)
    assert ran.returncode == 0, ran.stderr
