"""Batches: the actions that one worker applies, in one destination of one account."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby

from ._actions import STARTS, apply_action, failed, not_attempted
from ._destination import AccountDestination, DestinationReader, Instance, InstanceIdentity
from ._plan_records import ActionResult, PlannedAction


@dataclass(frozen=True)
class Batch:
    """The actions of one task."""

    destination: AccountDestination
    actions: tuple[PlannedAction, ...]
    max_concurrency: int
    was_cut_off: bool = False
    """Whether the actions began before, and may have stopped a replication."""
    only_heals: bool = False
    """Whether to leave instances alone that replicate."""


@dataclass(frozen=True)
class Watcher:
    """What the process that applies a plan does before and after each action of a batch.

    Workers in other processes have none: nothing of it can be pickled.
    """

    begin: Callable[[PlannedAction], ActionResult | None]
    """Return ``None`` if an action may begin, or else its result."""
    report: Callable[[ActionResult], object]


_UNWATCHED = Watcher(begin=lambda _: None, report=lambda _: None)


def run_batch(batch: Batch, watcher: Watcher = _UNWATCHED) -> list[ActionResult]:
    """Apply a batch's actions; return their results in the same order."""
    reader = DestinationReader(batch.destination)
    elsewhere = {
        region: DestinationReader(replace(batch.destination, destination_region=region))
        for region in {action.moved_to for action in batch.actions}
        if region is not None
    }
    interrupted = threading.Event()
    results: dict[object, ActionResult] = {}

    def run(action: PlannedAction, instance: Instance | None, error: Exception | None) -> None:
        if interrupted.is_set():
            return
        if error is not None:
            result = failed(action, error, is_protected=None)
        else:
            result = watcher.begin(action) or apply_action(
                *(reader, listing, action, instance),
                elsewhere=elsewhere,
                was_cut_off=batch.was_cut_off,
                only_heals=batch.only_heals,
            )
        results[action.sort_key()] = result
        watcher.report(result)

    # Creates the client before several threads would each create one. If that fails here,
    # each action fails with the same error.
    with suppress(Exception):
        _ = reader.context
    with ThreadPoolExecutor(batch.max_concurrency) as pool:
        starts = [action for action in batch.actions if action.kind in STARTS]
        listing: Future[None] = pool.submit(reader.list_backups) if starts else Future()
        try:
            # Stops come first, because they make room in the quota.
            running = [
                pool.submit(run, action, None, None)
                for action in batch.actions
                if action.kind not in STARTS
            ]
            # Each start is submitted as soon as a page lists its instance.
            running += [pool.submit(run, *found) for found in _find_instances(reader, starts)]
            for future in running:
                future.result()
        except KeyboardInterrupt:  # a terminal sends Ctrl-C to worker processes, too
            interrupted.set()
    return [results.get(action.sort_key()) or not_attempted(action) for action in batch.actions]


def _find_instances(
    reader: DestinationReader, actions: Sequence[PlannedAction]
) -> Iterator[tuple[PlannedAction, InstanceIdentity | None, Exception | None]]:
    """Yield each action with its instance, if that still exists, or with the listing's error."""
    for source_region, group in groupby(actions, key=lambda action: action.source_region):
        missing = {(action.source_db_instance_arn or "").lower(): action for action in group}
        failure: Exception | None = None
        try:
            for instance in reader.iter_identities(source_region):
                action = missing.pop((instance.db_instance_arn or "").lower(), None)
                if action is not None:
                    yield action, instance, None
                if not missing:
                    break
        except Exception as error:  # noqa: BLE001  # an unexpected error must not stop other Regions
            failure = error
        for action in missing.values():
            yield action, None, failure
