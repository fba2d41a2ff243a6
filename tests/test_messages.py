"""What users read is in tests/messages.txt, whole: no sentence of it changes unseen."""

import pytest

from . import messages


@pytest.mark.usefixtures("clock")
def test_what_users_read_is_as_written_down() -> None:
    changes = messages.difference()
    if changes:
        pytest.fail(
            f"What users read has changed:\n\n{changes}\n\n"
            "If that is meant, run `python -m tests.messages --write`, and read the file.",
            pytrace=False,
        )
