"""The tests with other versions than those of `make test`: `nox --list` tells which."""

from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.sessions = ["tests", "lowest", "newest", "bare"]

PROJECT = nox.project.load_toml("pyproject.toml")
PYTHONS = nox.project.python_versions(PROJECT)
CORE = nox.project.dependency_groups(PROJECT, "core")
TEST = nox.project.dependency_groups(PROJECT, "test")
# What meets the dependencies; the rest meets them by way of this. The service contract is that of
# the newest boto3, which has more members.
LOWEST = (
    *("check", "cli", "client", "concurrency", "drift", "ensure", "fork", "kms", "lifecycle"),
    *("models", "policy", "reader", "replace", "replace_failures", "session", "start", "stop"),
    *("testing", "validation", "wait_replicating", "wait_stopped"),
    *("wire_errors", "wire_invalid_responses", "wire_logs", "wire_requests", "wire_responses"),
)


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """All tests, on every supported Python."""
    session.install("--editable", ".[cli,sandbox]", *TEST)
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session(python=PYTHONS[0])
def lowest(session: nox.Session) -> None:
    """The tests of what meets the dependencies, with the lowest versions that are allowed."""
    extras = PROJECT["project"]["optional-dependencies"]
    bounds = [*PROJECT["project"]["dependencies"], *extras["cli"], *extras["sandbox"]]
    pins = [bound.replace(">=", "==") for bound in bounds]
    # They are released together, and boto3 allows later ones.
    pins += [pin.replace("boto3", "botocore") for pin in pins if pin.startswith("boto3==")]
    constraints = Path(session.create_tmp()) / "lowest.txt"
    constraints.write_text("\n".join(pins), encoding="utf-8")
    session.install("--constraint", str(constraints), "--editable", ".[cli,sandbox]", *CORE)
    files = [f"tests/test_{name}.py" for name in LOWEST]
    session.run("pytest", "-n", "auto", *(session.posargs or files))


@nox.session(python=PYTHONS[-2:])
def newest(session: nox.Session) -> None:
    """All tests, with the newest versions, those before a release too."""
    newest = ("--pre", "--upgrade", "--upgrade-strategy=eager")
    session.install(*newest, "--editable", ".[cli,sandbox]", *TEST)
    session.run("pytest", "-n", "auto", *session.posargs)


@nox.session
def bare(session: nox.Session) -> None:
    """What imports without any extra, and what is said of those that are missing."""
    session.install(".", "pytest")
    without = ("--noconftest", "-k", "not with_every_extra")
    session.run("pytest", *without, "tests/test_imports.py", *session.posargs)
