"""Tests that the public API matches tests/api.txt, so that no change goes unnoticed."""

import shutil
from pathlib import Path

import pytest

from . import api

pytestmark = pytest.mark.once


def test_public_api_matches_text_file() -> None:
    changes = api.difference()
    if changes:
        pytest.fail(
            f"The public API has changed:\n\n{changes}\n\n"
            "If the change is intended, run `python -m tests.api --write`, "
            "and describe the change in CHANGELOG.md under Unreleased.",
            pytrace=False,
        )


def test_every_public_module_is_listed() -> None:
    package = api.ROOT / api.PACKAGE
    paths = (path.relative_to(package) for path in package.rglob("*.py"))
    modules = (
        path.parent.parts if path.name == "__init__.py" else (*path.parent.parts, path.stem)
        for path in paths
    )
    public = {
        "".join(f".{part}" for part in parts)
        for parts in modules
        if not any(part.startswith("_") for part in parts)
    }
    assert public == set(api.MODULES)


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("_api.py", "backup_retention_period: int | None = None", "backup_retention_period: int"),
        ("_client.py", "dbi_resource_id: str | None = None", "dbi_resource_id: str | None = ''"),
        (
            "_models/_fields.py",
            "TagsInput = ",
            "TagsInput = str | ",
        ),  # the definition of a private type
        ("_models/_responses.py", "    storage_encrypted: ", "    encrypted: "),
        ("exceptions.py", "class ThrottlingError(", "class Throttled("),
    ],
)
def test_change_is_detected(file: str, old: str, new: str, tmp_path: Path) -> None:
    changed = tmp_path / api.PACKAGE
    shutil.copytree(api.ROOT / api.PACKAGE, changed, ignore=shutil.ignore_patterns("__pycache__"))
    source = (changed / file).read_text(encoding="utf-8")
    assert old in source
    (changed / file).write_text(source.replace(old, new, 1), encoding="utf-8")
    changes = api.difference(tmp_path)
    assert "\n-" in changes
    assert "\n+" in changes
