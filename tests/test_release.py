"""Tests of the checks before a release, which `make release-check` runs."""

from datetime import date

import pytest

from rds_backup_replication import __version__

from .package import ROOT
from .release import check_changelog, check_metadata, check_tags

pytestmark = pytest.mark.once

TODAY = date(2026, 2, 1)
CHANGELOG = """\
# Changelog

## [Unreleased]

## [1.2.0] - 2026-02-01

### Security

- One.

### Added

- Two.

## [1.1.0] - 2026-01-31

### Fixed

- Three.
"""
METADATA = """\
Metadata-Version: 2.4
Name: example
Version: 1.2.0
Classifier: Typing :: Typed
Description-Content-Type: text/markdown

[Page](https://example.com) and <img src="https://example.com/a.svg">.
"""


def test_changelog_of_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert check_changelog(text, __version__, date.max) == []


def test_changelog_in_order() -> None:
    assert check_changelog(CHANGELOG, "1.2.0", TODAY) == []


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("# Changelog", "# Changes", "it has no title"),
        ("[Unreleased]\n", "[Unreleased]\n\n### Added\n\n- New.\n", "'[Unreleased]' must be a"),
        ("2026-02-01", "February", "'[1.2.0] - February' must be a version and a date"),
        ("### Security", "### Fixed", "1.2.0 must have sections in the order Security, Removed,"),
        ("### Security", "### Other", "1.2.0 must have sections in the order Security, Removed,"),
        ("[1.2.0]", "[1.3.0]", "the first entry must be that of 1.2.0"),
        ("[1.1.0]", "[1.10.0]", "the newest version must come first, and each version once"),
        ("[1.1.0]", "[1.2.0]", "the newest version must come first, and each version once"),
        ("2026-02-01", "2026-02-02", "no date may be in the future"),
    ],
)
def test_changelog_errors(old: str, new: str, error: str) -> None:
    text = CHANGELOG.replace(old, new)
    assert text != CHANGELOG
    assert check_changelog(text, "1.2.0", TODAY)[0].startswith(f"CHANGELOG.md: {error}")


@pytest.mark.parametrize(
    ("here", "everywhere", "error"),
    [
        ([], [], ""),
        ([], ["v1.1.0"], ""),
        (["v1.2.0"], ["v1.1.0", "v1.2.0"], ""),
        (["1.2.0"], ["1.2.0"], "tag 1.2.0: the tag of this version is v1.2.0"),
        ([], ["v1.2.0"], "tag v1.2.0: another commit has it; raise the version"),
    ],
)
def test_tags(here: list[str], everywhere: list[str], error: str) -> None:
    assert check_tags("1.2.0", here, everywhere) == ([error] if error else [])


def test_version_form() -> None:
    assert check_tags("1.2", [], []) == ["version 1.2: must have three numbers, such as 1.2.3"]


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("", "", ""),
        ("Name: example", "Name: -", "'-' is invalid for 'name'"),
        ("2.4\n", "2.4\nRequires-Dist: a b\n", "'a b' is invalid for 'requires-dist'"),
        ("Typed\n", "Strange\n", "classifier 'Typing :: Strange' does not exist"),
        ("1.2.0", "1.3.0", "version 1.3.0 must be 1.2.0"),
        ("text/markdown", "text/plain", "the description must be Markdown"),
        ("https://example.com)", "docs/a.md)", "the description has a relative link at"),
        ("https://example.com/a", "docs/a", "the description has a relative link at"),
    ],
)
def test_metadata(old: str, new: str, error: str) -> None:
    errors = check_metadata(METADATA.replace(old, new).encode(), "1.2.0")
    assert len(errors) == bool(error)
    assert not error or errors[0].startswith(f"metadata: {error}")
