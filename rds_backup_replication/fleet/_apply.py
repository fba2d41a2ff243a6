"""Doing what a plan says, and nothing that its facts no longer support."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import Any
from uuid import uuid4

from .._ensure import differences_of, ensure_stopped, start
from .._models import (
    DBInstanceAutomatedBackup,
    StartDBInstanceAutomatedBackupsReplicationRequest,
)
from .._operations import START
from .._replace import replace_replication
from ._access import FAILURES, Access, NamedInstance, Place, PlaceView
from ._records import ActionResult, ApplyReport, Outcome, Plan, PlannedAction, Seen

OnEvent = Callable[[ActionResult], object]

_PARTS_AT_ONCE = 16


@dataclass(frozen=True)
class _Part:
    """What a plan wants of one account and one destination."""

    place: Place
    actions: tuple[PlannedAction, ...]
    max_concurrency: int


def apply(
    plan: Plan,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_event: OnEvent | None = None,
    max_concurrency: int = 8,
) -> ApplyReport:
    """Does what a plan says.

    An action whose facts have changed since it was planned is refused; what has been
    done already is ``unchanged``, so a plan can be applied again. What fails stops
    nothing else. Ctrl-C lets finish what has begun, and begins nothing more.

    Args:
        plan: The plan.
        access: Whose credentials to use, and where AWS is.
        executor: Where to do the work, which is cut into one part for each account and
            destination; threads of this process if omitted. With one of yours, Ctrl-C
            lets whole parts finish.
        on_event: Called with each result, in the order of the plan within a part.
        max_concurrency: How many actions are under way at once in a destination Region
            of an account.

    Returns:
        A result for each action that changes something.

    Raises:
        ValueError: The plan has an action in an account that it does not have, or
            ``max_concurrency`` is below 1.
    """
    if max_concurrency < 1:
        raise ValueError(f"max_concurrency= must be at least 1, not {max_concurrency}")
    stop = threading.Event()
    # An event cannot be sent to another process.
    apply_part = partial(_apply_part, stop=stop if executor is None else None)
    results: dict[object, ActionResult] = {}
    with ExitStack() as stack:
        pool = executor or stack.enter_context(ThreadPoolExecutor(_PARTS_AT_ONCE))
        parts = deque(_parts(plan, access or Access(), max_concurrency))
        pending = deque((part, pool.submit(apply_part, part)) for part in parts)
        while pending:
            part, future = pending[0]
            try:
                came = _results_of(part, future)
                results.update({result.action.order(): result for result in came})
                pending.popleft()
                for result in came:
                    if on_event is not None:
                        on_event(result)
            except KeyboardInterrupt:
                if stop.is_set():
                    raise
                stop.set()
                for _, waiting in pending:
                    waiting.cancel()
    return ApplyReport(
        results=tuple(results[action.order()] for action in plan.changes),
        interrupted=stop.is_set(),
    )


def _parts(plan: Plan, access: Access, max_concurrency: int) -> Iterator[_Part]:
    accounts = {account.id: account for account in plan.accounts}
    run_id = uuid4().hex
    by_part: dict[tuple[str, str], list[PlannedAction]] = defaultdict(list)
    for action in plan.changes:
        if action.account_id not in accounts:
            raise ValueError(f"the plan does not have account {action.account_id}")
        by_part[action.account_id, str(action.destination_region)].append(action)
    for (account_id, destination), actions in sorted(by_part.items()):
        place = Place(accounts[account_id], destination, access, run_id)
        yield _Part(place, tuple(actions), max_concurrency)


def _results_of(part: _Part, future: "Future[list[ActionResult]]") -> list[ActionResult]:
    try:
        return future.result()
    except CancelledError:
        return [ActionResult(action=action, outcome="not_attempted") for action in part.actions]


def _apply_part(part: _Part, stop: threading.Event | None) -> list[ActionResult]:
    view = PlaceView(part.place)
    with ThreadPoolExecutor(part.max_concurrency) as pool:
        listed = pool.submit(view.list_backups)
        outcomes = [
            # Sent off as soon as a page shows the instance.
            instance
            if isinstance(instance, ActionResult)
            else pool.submit(_apply_action, view, listed, action, instance, stop)
            for action, instance in _with_instances(view, part.actions)
        ]
        return [o if isinstance(o, ActionResult) else o.result() for o in outcomes]


def _with_instances(
    view: PlaceView, actions: Sequence[PlannedAction]
) -> Iterator[tuple[PlannedAction, NamedInstance | ActionResult]]:
    """Each action with the instance as it is now, or with what is to be said if there is none."""
    for source_region, group in groupby(actions, key=lambda action: action.source_region):
        waiting = {(action.source_db_instance_arn or "").lower(): action for action in group}
        try:
            for instance in view.instance_names(source_region):
                action = waiting.pop((instance.db_instance_arn or "").lower(), None)
                if action is not None:
                    yield action, instance
                if not waiting:
                    break
        except FAILURES as error:
            yield from ((action, _failed(action, error)) for action in waiting.values())
        else:
            for action in waiting.values():
                yield action, _refused(action, "There is no such instance any more.")


def _apply_action(
    view: PlaceView,
    listed: "Future[None]",
    action: PlannedAction,
    instance: NamedInstance,
    stop: threading.Event | None,
) -> ActionResult:
    if stop is not None and stop.is_set():
        return ActionResult(action=action, outcome="not_attempted")
    seen = action.seen or Seen()
    if instance.dbi_resource_id != seen.dbi_resource_id:
        return _refused(action, "Another instance has that name now.")
    try:
        listed.result()
        live = view.live_backup_of(action.source_db_instance_arn or "")
        return (_stop if action.kind == "stop" else _start)(view, action, live)
    except FAILURES as error:
        return _failed(action, error)


def _start(
    view: PlaceView, action: PlannedAction, live: DBInstanceAutomatedBackup | None
) -> ActionResult:
    keywords: dict[str, Any] = {
        "source_db_instance_arn": action.source_db_instance_arn,
        "backup_retention_period": action.backup_retention_period,
        "kms_key_id": action.kms_key_id,
        "tags": action.tags,
    }
    # A start validates it; a replacement must not find out after the stop.
    request = StartDBInstanceAutomatedBackupsReplicationRequest.model_construct(**keywords)
    if live is None:
        result = start(view.context, request)
    elif not differences_of(view.context, request, live):
        return _done(action, live, "unchanged")
    elif action.kind == "replace" and _is_as_seen(live, action.seen or Seen()):
        request = START.validate(view.context.destination, keywords)
        result = replace_replication(view.context, request, live)
    else:
        return _refused(action, "It replicates otherwise than when this was planned.")
    return _done(action, result.backup, "unchanged" if result.action == "unchanged" else "done")


def _stop(
    view: PlaceView, action: PlannedAction, live: DBInstanceAutomatedBackup | None
) -> ActionResult:
    if live is None:
        return _done(action, None, "unchanged")
    if not _is_as_seen(live, action.seen or Seen()):
        return _refused(action, "It replicates otherwise than when this was planned.")
    stopped = ensure_stopped(view.context, action.source_db_instance_arn or "")
    return _done(action, stopped, "done" if stopped else "unchanged")


def _is_as_seen(live: DBInstanceAutomatedBackup, seen: Seen) -> bool:
    return (
        live.db_instance_automated_backups_arn,
        live.backup_retention_period,
        live.kms_key_id,
    ) == (
        seen.db_instance_automated_backups_arn,
        seen.backup_retention_period,
        seen.kms_key_id,
    )


def _done(
    action: PlannedAction, backup: DBInstanceAutomatedBackup | None, outcome: Outcome
) -> ActionResult:
    arn = backup.db_instance_automated_backups_arn if backup else None
    return ActionResult(action=action, outcome=outcome, db_instance_automated_backups_arn=arn)


def _refused(action: PlannedAction, message: str) -> ActionResult:
    return ActionResult(action=action, outcome="refused", message=f"{message} Plan again.")


def _failed(action: PlannedAction, error: Exception) -> ActionResult:
    return ActionResult(action=action, outcome="failed", message=str(error))
