"""Type checks of a user's program without stubs, with those of botocore, and with those of RDS."""

import importlib.util
import json
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import rds_backup_replication

pytestmark = [pytest.mark.long, pytest.mark.once]
pytest.importorskip("mypy", reason="only `make check` installs type checkers")
pytest.importorskip("pyright")
pytest.importorskip("types_boto3_rds")

PACKAGE = Path(rds_backup_replication.__file__).parent
NEEDED = (
    "annotated_types",
    "anyio",
    "boto3",
    "botocore",
    "pydantic",
    "pydantic_core",
    "typing_inspection",
)
STUBS = {"none": (), "botocore": ("botocore-stubs",), "rds": ("botocore-stubs", "types_boto3_rds")}
PROGRAM = """\
from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.aio import AsyncBackupReplicationClient

client = BackupReplicationClient(region_name="us-east-1")
listing = client.client.describe_db_instances(DBInstanceIdentifier="mydatabase")
BackupReplicationClient(client=client.client, source_client=client.client)
backup = client.find_replicated_backup(source_db_instance_arn="arn")


async def replicate() -> bool:
    async with AsyncBackupReplicationClient(client=client.client) as other:
        async for found in other.describe_db_instance_automated_backups(page_size=20):
            return found.is_active
        return (await other.ensure_replication(source_db_instance_arn="arn")).source_checked


"""
MISTAKE = 'client.client.describe_db_instance(Name="mydatabase")\n'


def make_environment(folder: Path, stubs: tuple[str, ...]) -> Path:
    """Return the interpreter of an environment with only this package, its needs and the stubs."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    installed = Path(str(importlib.util.find_spec("pydantic").origin)).parents[1]  # type: ignore[union-attr]
    for name in (*NEEDED, *stubs, "typing_extensions.py"):
        (packages / name).symlink_to(installed / name)
    # Type checkers must see an installed package, and not a file of the user's own.
    (packages / PACKAGE.name).symlink_to(PACKAGE)
    return folder / "bin" / "python"


def check(tool: str, python: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    config = {"typeCheckingMode": "strict", "include": ["program.py"]}
    (folder / "pyrightconfig.json").write_text(json.dumps(config))
    arguments = {
        "mypy": ["--strict", "--config-file=", "--python-executable", str(python), "program.py"],
        "pyright": ["--pythonpath", str(python)],
    }
    return subprocess.run(  # noqa: S603  # the type checkers
        [sys.executable, "-m", tool, *arguments[tool]],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs symbolic links")
@pytest.mark.parametrize("tool", ["mypy", "pyright"])
@pytest.mark.parametrize("stubs", STUBS)
def test_program_is_clean_with_any_stubs(tmp_path: Path, stubs: str, tool: str) -> None:
    python = make_environment(tmp_path / "environment", STUBS[stubs])
    (tmp_path / "program.py").write_text(PROGRAM)
    ran = check(tool, python, tmp_path)
    assert ran.returncode == 0, ran.stdout
    (tmp_path / "program.py").write_text(PROGRAM + MISTAKE)
    ran = check(tool, python, tmp_path)
    assert ("describe_db_instance" in ran.stdout) == (stubs == "rds"), ran.stdout
