"""Drills that are killed at any moment: the cleanup deletes what they have left."""

import random
import subprocess
import sys
import threading

import pytest

from rds_backup_replication.exceptions import RecoveryRefusedError
from rds_backup_replication.recovery import DrillReport

from . import drill_cases
from .drill_cases import Drills
from .fleets import ONE, policy

pytestmark = [pytest.mark.long, pytest.mark.once]

drills = drill_cases.drills

DRILL = """
import sys
from pathlib import Path

from rds_backup_replication.fleet import Access, Policy
from rds_backup_replication.recovery import drill, read_book
from rds_backup_replication.testing import instant_waits

folder, journal, endpoint_url = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
with instant_waits():
    drill(
        read_book(folder / "book.json"),
        Policy.from_file(folder / "policy.json"),
        journal=journal,
        check=[sys.executable, "-S", "-c", ""],
        access=Access(endpoint_url=endpoint_url),
        at_once=3,
    )
"""
MOMENTS = 20
REQUESTS = range(3, 33)  # of about 36: the first ones leave nothing, and so do the last ones


@pytest.mark.usefixtures("no_backoff")
def test_killed_drill_is_cleaned_up(drills: Drills) -> None:
    """The process ends before or after a random request of its drill has taken effect."""
    book = drills.book("orders", "users", "carts")
    folder = drills.journal.parent
    (folder / "book.json").write_text(book.to_json())
    (folder / "policy.json").write_text(policy(ONE).model_dump_json())
    before = drills.others()
    chosen = random.Random(20261129)  # noqa: S311  # the moments are the same in each run
    left: list[int] = []
    for number in range(MOMENTS):
        drills.journal = folder / f"journal-{number}"
        kill_drill(drills, chosen.choice(REQUESTS), takes_effect=chosen.random() < 0.5)
        left.append(len(drills.left()))
        check_cleanup(drills)
        assert drills.others() == before
    # The moments are of use only if many of them leave something.
    assert sum(map(bool, left)) >= MOMENTS / 4


def kill_drill(drills: Drills, number: int, *, takes_effect: bool) -> None:
    """Run a drill in a process, and kill it amid a request."""
    lock = threading.Lock()
    seen = 0
    with subprocess.Popen(  # noqa: S603  # the code is above
        [
            *(sys.executable, "-c", DRILL, str(drills.journal.parent), str(drills.journal)),
            drills.fleet.sandbox.endpoint_url,
        ]
    ) as process:

        def kill(*_: object) -> None:
            nonlocal seen
            with lock:
                seen += 1
                is_over = seen > number
                if is_over:
                    process.kill()
                    process.wait()
            if is_over and not takes_effect:
                raise RuntimeError("the request has no effect")

        drills.before = kill
        process.wait(60)
        # A request that the process has sent may still be on its way.
        drills.fleet.sandbox.boto3_client("rds", "us-east-1").describe_db_instances()
    drills.before = None


def check_cleanup(drills: Drills) -> None:
    """Clean up twice: the first time deletes all, and the second one has nothing to do."""
    report = drills.clean_up()
    assert report.left_behind == ()
    assert drills.left() == []
    for _ in range(2):  # which ends the deletions
        drills.rds.describe_db_instances()
    assert drills.existing() == []
    changes, text = len(drills.changes), drills.journal.read_text()
    again: DrillReport = drills.clean_up()
    assert again.instances == report.instances
    assert (len(drills.changes), drills.journal.read_text()) == (changes, text)
    with pytest.raises(RecoveryRefusedError, match="not empty"):
        drills.run(drills.book())
