"""Tests of the names that the package exports, and of the side effects of its import."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import rds_backup_replication
from rds_backup_replication import exceptions

PACKAGE = Path(rds_backup_replication.__file__).parent
# Each module or package may import only the ones before it.
LAYERS = (
    "_version",
    "_lazy_imports",
    "_clock",
    "_limits",
    "_arn",
    "_regions",
    "_credentials",
    "_redact",
    "_models",
    "_steps",
    "_cancellation",
    "_annotations",
    "_untyped_rds",
    "_boto3_types",
    "_error_details",
    "_workflow_errors",
    "exceptions",
    "_validation",
    "_keywords",
    "_botocore",
    "_api_call",
    "_context",
    "_client_base",
    "_operations",
    "_restore",
    "_workflows",
    "_api",
    "_client",
    "aio",
    "fleet",
    "recovery",
    "sandbox",
    "testing",
    "cli",
    "__main__",
)


def test_all_is_sorted_and_equals_imports() -> None:
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.level and node.module != "_lazy_imports"
        for alias in node.names
    }
    assert set(rds_backup_replication.__all__) == imported
    for name in rds_backup_replication.__all__:
        assert getattr(rds_backup_replication, name), name
    with pytest.raises(AttributeError, match="no attribute 'Tagg'"):
        getattr(rds_backup_replication, "Tagg")  # noqa: B009  # the typo of a user
    assert rds_backup_replication.__all__ == sorted(rds_backup_replication.__all__)


def test_exceptions_have_base_class_and_docstring() -> None:
    for name, value in vars(exceptions).items():
        if isinstance(value, type) and value.__module__ == exceptions.__name__:
            assert value.__doc__, name
            if name not in ("Difference", "InvalidParameter"):
                assert issubclass(value, exceptions.BackupReplicationError)


def test_imports_follow_layers() -> None:
    for path in PACKAGE.rglob("*.py"):
        own = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if own == "__init__":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and node.level:
                steps_out = node.level - (len(path.relative_to(PACKAGE).parts) - 1)
                if steps_out == 1:
                    names = [node.module] if node.module else [alias.name for alias in node.names]
                    for name in names:
                        target = str(name).split(".")[0]
                        assert LAYERS.index(target) < LAYERS.index(own), f"{path}: {target}"


@pytest.mark.parametrize("flags", [[], ["-O"], ["-W", "error"]])
def test_import_has_no_side_effects(flags: list[str]) -> None:
    """Check that the import loads no extra, and loads boto3 and pydantic only when needed."""
    code = (
        "import sys, threading, logging, rds_backup_replication\n"
        "assert not {'boto3', 'botocore', 'pydantic'} & set(sys.modules)\n"
        "package = rds_backup_replication\n"
        "assert dir(package) == sorted(package.__all__)\n"
        "assert package.exceptions.__name__ == 'rds_backup_replication.exceptions'\n"
        "import rds_backup_replication.exceptions\n"
        "from rds_backup_replication import Tag, Filter, EnsureResult, CheckReason\n"
        "assert not {'boto3', 'botocore.client', 'botocore.session'} & set(sys.modules)\n"
        "from rds_backup_replication import *\n"
        "assert not {'moto', 'flask', 'typer', 'pytest', 'yaml'} & set(sys.modules)\n"
        "assert threading.active_count() == 1\n"
        "assert not logging.getLogger().handlers\n"
    )
    subprocess.run([sys.executable, *flags, "-c", code], check=True)  # noqa: S603  # the code of this test
