"""Sessions that run the tests with other versions than `make test`; `nox --list` lists them."""

import tarfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.sessions = ["tests", "lowest", "newest", "sdist", "bare"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
CORE = nox.project.dependency_groups(PROJECT, "core")
TEST = nox.project.dependency_groups(PROJECT, "test")
# These tests cover the code that uses the dependencies directly. The service contract is missing,
# because it describes the newest boto3, which has more members.
LOWEST = (
    *("check*", "cli", "cli_output", "cli_replace", "client", "concurrency", "drift", "ensure"),
    *("factories", "fork", "kms", "lifecycle*", "models", "policy", "reader", "replace*"),
    *("session", "start", "stop", "stubber_*", "validation_*", "wait*", "wire_*"),
)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Run all tests on every supported Python."""
    session.install("--editable", ".[all]", *TEST)
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """Run the tests that use the dependencies, with the lowest allowed versions."""
    bounds = list(PROJECT["project"]["dependencies"])
    for name, extra in PROJECT["project"]["optional-dependencies"].items():
        bounds += extra if name != "all" else []
    pins = [bound.replace(">=", "==") for bound in bounds]
    # AWS releases botocore together with boto3, but boto3 also accepts later versions of botocore.
    pins += [pin.replace("boto3", "botocore") for pin in pins if pin.startswith("boto3==")]
    constraints = Path(session.create_tmp()) / "lowest.txt"
    constraints.write_text("\n".join(pins), encoding="utf-8")
    session.install("--constraint", str(constraints), "--editable", ".[all]", *CORE)
    files = sorted(str(file) for name in LOWEST for file in Path("tests").glob(f"test_{name}.py"))
    session.run("pytest", "-n", "auto", *(session.posargs or files))


@nox.session(python=PYTHONS[-2:])
def newest(session: nox.Session) -> None:
    """Run all tests with the newest versions, including prereleases."""
    newest = ("--pre", "--upgrade", "--upgrade-strategy=eager")
    session.install(*newest, "--editable", ".[all]", *TEST)
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def sdist(session: nox.Session) -> None:
    """Run all tests from the source distribution, in a folder without git."""
    session.install("--requirement", "requirements/test.txt")
    folder = Path(session.create_tmp()).absolute()
    session.run("hatchling", "build", "--target", "sdist", "--directory", str(folder))
    archive = max(folder.glob("*.tar.gz"), key=lambda path: path.stat().st_mtime)
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    session.chdir(folder / archive.name.removesuffix(".tar.gz"))
    session.install("--no-deps", "--no-build-isolation", "--editable", ".")
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def bare(session: nox.Session) -> None:
    """Test imports without any extra, and the errors about missing extras."""
    session.install(".", "pytest")
    without = ("--noconftest", "-k", "not with_every_extra")
    session.run("pytest", *without, "tests/test_imports.py", *session.posargs)
