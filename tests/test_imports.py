"""Tests of the imports of all modules, with and without the extras."""

import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "rds_backup_replication"
WARNINGS_ARE_ERRORS = ("-W", "error")
FLAGS = (*WARNINGS_ARE_ERRORS, "-OO")
IMPORT_NAMES = {"pyyaml": "yaml"}  # for distributions with another name


def modules_of(extra: str) -> set[str]:
    """Return the import names of the distributions that an extra installs."""
    found: set[str] = set()
    for requirement in requires("rds-backup-replication") or []:
        if f"extra == '{extra}'" in requirement:
            name = requirement.partition(">=")[0].strip()
            found.add(IMPORT_NAMES.get(name, name.replace("-", "_")))
    return found


EXTRAS = {extra: modules_of(extra) for extra in ("cli", "fleet", "sandbox")}
ALL_EXTRAS = set[str]().union(*EXTRAS.values())
# Modules that only the command line, the sandbox and pytest import.
NEED_AN_EXTRA = ("cli._", "sandbox", "testing.plugin")


def modules() -> list[str]:
    """Return the names of the modules and packages of the library."""
    paths = (path.relative_to(PACKAGE.parent) for path in PACKAGE.rglob("*.py"))
    parts = (path.parent if path.name == "__init__.py" else path.with_suffix("") for path in paths)
    return sorted(".".join(path.parts) for path in parts if path.name != "__main__")


def python(
    code: str, *flags: str, without: set[str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run code in a new process that cannot import certain modules."""
    blocked = f"import sys\nsys.modules.update(dict.fromkeys({sorted(without or ())}))\n"
    return subprocess.run(  # noqa: S603  # the code of these tests
        [sys.executable, *flags, "-c", blocked + code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def import_all(names: list[str]) -> str:
    """Return code that imports the modules and gets their public names."""
    return (
        "from importlib import import_module\n"
        f"for name in {names}:\n"
        "    module = import_module(name)\n"
        "    for public in getattr(module, '__all__', ()):\n"
        "        getattr(module, public)\n"
    )


def test_extras_contain_their_modules() -> None:
    assert EXTRAS["cli"] >= {"rich", "typer", "yaml"}
    assert EXTRAS["fleet"] >= {"yaml"}
    assert EXTRAS["sandbox"] >= {"flask", "moto"}


def test_all_modules_import_with_extras() -> None:
    ran = python(import_all(modules()), *FLAGS)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_core_modules_import_without_extras() -> None:
    prefix = f"{PACKAGE.name}."
    names = [
        name
        for name in modules()
        if not name.removeprefix(prefix).startswith(NEED_AN_EXTRA) and name != f"{prefix}cli"
    ]
    ran = python(import_all(names), *FLAGS, without={*ALL_EXTRAS, "pytest"})
    assert (ran.returncode, ran.stderr) == (0, "")


def test_client_and_fleet_do_not_load_db_instance() -> None:
    """Building the models of a DB instance takes as long as a call, and few programs need them."""
    prefix = f"{PACKAGE.name}."
    late: tuple[str, ...] = ("_restore", "_models._restore", "_models._instance")
    late += ("cli", "recovery", "sandbox", "testing")
    names = [name for name in modules() if not name.removeprefix(prefix).startswith(late)]
    assert {f"{prefix}_client", f"{prefix}_workflows.check", f"{prefix}fleet._apply"} <= set(names)
    code = (
        "import sys\nfrom importlib import import_module\n"
        f"for name in {names}:\n    import_module(name)\n"
        f"print([name for name in sys.modules if name.startswith('{prefix}_models._instance')])\n"
    )
    ran = python(code, *FLAGS)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


@pytest.mark.parametrize(
    ("extra", "module"),
    # Only Python 3.10 needs tomli, and only for a policy in TOML.
    [(extra, name) for extra in EXTRAS for name in sorted(EXTRAS[extra] - {"tomli"})],
)
def test_missing_module_error_names_extra(extra: str, module: str) -> None:
    code = {
        "cli": "from rds_backup_replication.cli import main; main()",
        "fleet": "from rds_backup_replication.fleet import Policy; Policy.from_yaml('a: 1')",
        "sandbox": "import rds_backup_replication.sandbox",
    }[extra]
    # A command reports a missing module when it needs the module. Every command needs Typer.
    without = {module, "typer"} if extra == "cli" else {module}
    ran = python(code, *WARNINGS_ARE_ERRORS, without=without)
    assert ran.returncode == 1
    assert f"pip install 'rds-backup-replication[{extra}]'" in ran.stderr
