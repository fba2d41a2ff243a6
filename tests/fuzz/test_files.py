"""Tests that any file is a policy, a plan or an error with line numbers, and never runs code."""

import json
import re
from contextlib import suppress
from pathlib import Path

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from rds_backup_replication.exceptions import PolicyError
from rds_backup_replication.fleet import Plan, Policy

from .figures import FIGURES, scaled
from .files import PLAN, POLICY, corrupt, texts

# Tags in the YAML of some files name these. Any song proves that a file ran code.
SONGS: list[str] = []


def sing() -> None:
    SONGS.append("tweet")


class Bird:
    def __init__(self) -> None:
        sing()

    def __setstate__(self, _: object) -> None:
        sing()


def read(text: str) -> Policy | PolicyError:
    """Return the policy, or the error of an invalid file."""
    FIGURES["files read"] += 1
    try:
        return Policy.from_yaml(text, source="p")
    except PolicyError as error:
        return error
    except Exception:
        FIGURES["exceptions outside the contract"] += 1
        raise


def judge(error: PolicyError, text: str) -> None:
    """Assert that each error has a line number of the text."""
    assert error.errors
    assert str(error) == "\n".join(f"p:{line}" for line in error.errors)
    for line in error.errors:
        match = re.match(r"([0-9]+): (is not valid YAML: |[^ ].*)", line)
        assert match is not None, line
        assert 1 <= int(match[1]) <= len(text.splitlines()) + 1


@settings(max_examples=scaled(60), deadline=None)
@given(texts(POLICY))
@example("!!python/object/apply:tests.fuzz.test_files.sing []")
@example("!!python/object/new:tests.fuzz.test_files.Bird []")
@example("accounts: !!python/object:tests.fuzz.test_files.Bird {a: b}")
@example("? !!python/object/apply:tests.fuzz.test_files.sing []\n: x")
@example("2001-01-01: x")
@example("!!timestamp x")
@example("!!bool x")
@example("!!int ''")
def test_any_text_is_a_policy_or_a_policy_error(text: str) -> None:
    found = read(text)
    assert SONGS == []
    if isinstance(found, PolicyError):
        judge(found, text)
    else:
        FIGURES["valid files"] += 1
        assert read(found.model_dump_json(exclude_none=True)) == found


@settings(
    max_examples=scaled(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(corrupt(texts(POLICY)))
def test_any_bytes_are_a_policy_or_an_error(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(body)
    FIGURES["files read"] += 1
    with suppress(PolicyError):
        Policy.from_file(path)
    assert SONGS == []


@settings(max_examples=scaled(60), deadline=None)
@given(texts(PLAN, json.dumps), st.booleans())
def test_any_text_is_a_plan_or_a_validation_error(text: str, as_bytes: bool) -> None:  # noqa: FBT001
    FIGURES["files read"] += 1
    try:
        plan = Plan.model_validate_json(text.encode(errors="replace") if as_bytes else text)
    except ValidationError:
        return
    FIGURES["valid files"] += 1
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_unedited_files_are_valid() -> None:
    assert isinstance(read(json.dumps(POLICY)), Policy)
    assert len(Plan.model_validate_json(json.dumps(PLAN)).changes) == 1
