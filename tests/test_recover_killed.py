"""Recoveries whose process is killed: the same call again restores each instance once."""

import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rds_backup_replication.recovery import RecoveryBook, RestoredInstance
from rds_backup_replication.recovery._journal import FORMAT, read_progress

from . import recover_cases
from .fleets import ONE
from .recover_cases import (
    DESCRIBE,
    MODIFY,
    POLICY,
    RESTORE,
    Recoveries,
    World,
    changed,
    check_restored,
    do_nothing,
    existing,
)
from .recoveries import book

pytestmark = [pytest.mark.long, pytest.mark.once, pytest.mark.usefixtures("no_backoff")]

running = recover_cases.running
world = recover_cases.world

KILLS = 50
_BOOK_SIZE = 5
_KILLS_PER_BOOK = 5

# A process that has loaded everything forks one that recovers, for each line of its input.
NURSERY = """
import os
import sys
from pathlib import Path

import rds_backup_replication.recovery._restores
from rds_backup_replication.fleet import Access, Policy
from rds_backup_replication.recovery import RecoveryBook, recover
from rds_backup_replication.testing import instant_waits

access = Access(endpoint_url=sys.argv[1])
policy = Policy.from_file(sys.argv[2])
for folder in map(Path, map(str.strip, sys.stdin)):
    process = os.fork()
    if not process:
        with instant_waits():
            book = RecoveryBook.from_json((folder / "book.json").read_text())
            recover(book, policy, journal=folder / "journal", access=access)
        os._exit(0)
    print(process, flush=True)
    print(os.waitpid(process, 0)[1], flush=True)
"""


class Nursery:
    """Runs recoveries in processes of their own, and kills them at a request."""

    def __init__(self, process: "subprocess.Popen[str]", recoveries: Recoveries) -> None:
        self._process = process
        self._recoveries = recoveries

    def run(self, folder: Path, moment: int, *, takes_effect: bool) -> tuple[str, str] | None:
        """Kill a recovery at a request, before or after the effect; return the request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        victim = [0]
        is_forked, is_dead = threading.Event(), threading.Event()
        left, killed_at = [moment], list[tuple[str, str]]()
        lock = threading.Lock()

        def kill(operation: str, identifier: str) -> None:
            with lock:
                left[0] -= 1
                if left[0]:  # also below 0: other requests of the killed process take effect
                    return
                assert is_forked.wait(30)
                os.kill(victim[0], signal.SIGKILL)
                assert is_dead.wait(30)
                killed_at.append((operation, identifier))
            if not takes_effect:
                raise RuntimeError("the request has no effect")

        self._recoveries.before = kill
        print(folder, file=self._process.stdin, flush=True)
        victim[0] = int(self._process.stdout.readline())
        is_forked.set()
        status = int(self._process.stdout.readline())
        is_dead.set()
        with lock:
            self._recoveries.before = do_nothing
        assert status == (signal.SIGKILL if killed_at else 0)
        return killed_at[0] if killed_at else None


@contextmanager
def started(world: World, folder: Path) -> Generator[Nursery]:
    policy = folder / "policy.json"
    policy.write_text(POLICY.model_dump_json(), encoding="utf-8")
    with subprocess.Popen(  # noqa: S603  # the code is above
        [sys.executable, "-c", NURSERY, world.sandbox.endpoint_url, str(policy)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Nursery(process, world.recoveries)
        assert process.stdin is not None
        process.stdin.close()


def prepared(world: World, folder: Path, number: int) -> RecoveryBook:
    """Write a book in which the instances get new names."""
    folder.mkdir()
    written = book(
        *(
            changed(
                each,
                tier=n // 3 + 1,
                target_db_instance_identifier=f"{each.db_instance_identifier}-k{number}",
            )
            for n, each in enumerate(world.entries[:_BOOK_SIZE])
        )
    )
    (folder / "book.json").write_text(written.to_json(), encoding="utf-8")
    return written


def test_killed_recoveries_are_continued(world: World, tmp_path: Path) -> None:
    """Fifty times, in ten recoveries; the last process of each is left to finish."""
    chance = random.Random(19)  # noqa: S311  # the same moments in each run
    moments: list[tuple[tuple[str, str], bool]] = []
    with started(world, tmp_path) as nursery:
        number = 0
        while len(moments) < KILLS:
            number += 1
            folder = tmp_path / str(number)
            written = prepared(world, folder, number)
            for _ in range(_KILLS_PER_BOOK):
                takes_effect = chance.random() < 0.5
                moment = nursery.run(folder, chance.randint(1, 14), takes_effect=takes_effect)
                if moment is None:
                    break
                moments.append((moment, takes_effect))
            world.journal = folder / "journal"
            report = world.recover(written)
            assert report.is_complete, [each.message for each in report.instances]
            check_restored(world.recoveries, written.instances, report)
            names = {each.target_db_instance_identifier for each in written.instances}
            assert names <= existing(ONE[0])
            with FORMAT.reopen(world.journal) as journal:
                progress = read_progress(journal)
            assert progress.header.run_id == report.run_id
            recorded = [each.restored for each in progress.instances.values() if each.restored]
            assert sorted(recorded, key=RestoredInstance.sort_key) == list(report.instances)
    killed = {(operation, takes_effect) for (operation, _), takes_effect in moments}
    for each in (RESTORE, MODIFY, DESCRIBE):
        assert {(each, True), (each, False)} <= killed
