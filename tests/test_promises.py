"""Each promise of the page has a test, and the tests that it names are there."""

import re
from pathlib import Path

TESTS = Path(__file__).parent
PAGE = (TESTS.parent / "docs/promises.md").read_text(encoding="utf-8")


def test_every_promise_names_tests_that_are_there() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ") and "Promise" not in line]
    assert len(rows) > 40
    for row in rows:
        named = re.findall(r"`([\w/]+)::(\w+)`", row)
        assert named, row
        for file, name in named:
            text = (TESTS / f"{file}.py").read_text(encoding="utf-8")
            assert re.search(rf"^(async )?def test_{name}\(", text, re.MULTILINE), f"{file}::{name}"
