"""Doing what a plan says, and nothing that its facts no longer support."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from queue import Empty, SimpleQueue
from typing import Any
from uuid import uuid4

from .._ensure import differences_of, ensure_stopped, start
from .._look import best_of, is_live
from .._models import (
    DBInstanceAutomatedBackup,
    StartDBInstanceAutomatedBackupsReplicationRequest,
)
from .._operations import START
from .._replace import ensure_replication
from ..exceptions import ReplicationDriftError
from ._access import FAILURES, Access, Instance, NamedInstance, Place, PlaceView
from ._records import ActionResult, ApplyReport, Outcome, Plan, PlannedAction, Seen

OnEvent = Callable[[ActionResult], object]
_Tell = Callable[[ActionResult], object]

_PARTS_AT_ONCE = 16
_FRESH = 60.0  # seconds for which a start believes what was listed


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
    nothing else. Ctrl-C lets finish what has begun, and begins nothing more; a second
    one raises ``KeyboardInterrupt`` when that has finished. Replacements come last, as
    each takes many minutes.

    Args:
        plan: The plan.
        access: Whose credentials to use, and where AWS is.
        executor: Where to do the work, which is cut into one part for each account and
            destination; threads of this process if omitted. With one of yours, Ctrl-C
            lets whole parts finish.
        on_event: Called with each result as it comes; with an executor of yours, when
            its part has ended. If it raises, nothing more is begun.
        max_concurrency: How many actions are under way at once in a destination Region
            of an account.

    Returns:
        A result for each action that changes something.

    Raises:
        ValueError: ``max_concurrency`` is below 1, or an action is in an account that
            the plan does not have, or stands there twice.
    """
    if max_concurrency < 1:
        raise ValueError(f"max_concurrency= must be at least 1, not {max_concurrency}")
    stop, go, over = threading.Event(), threading.Event(), threading.Event()
    events: SimpleQueue[ActionResult | None] = SimpleQueue()
    futures: list[Future[list[ActionResult]]] = []
    Plan.model_validate(dict(plan))  # a copy may have been made with other actions
    phases = _phases(plan, access or Access(), max_concurrency)
    # Ctrl-C is raised in the main thread, so the work is led from another one.
    with ThreadPoolExecutor(1) as leader:
        try:
            put = None if on_event is None else events.put
            leading = leader.submit(
                _lead, phases, executor, stop=stop, go=go, put=put, futures=futures
            )
            leading.add_done_callback(lambda _: over.set())
            leading.add_done_callback(lambda _: events.put(None))
            while True:
                try:
                    go.set()  # from here on, what is done is reported
                    for result in _all_of(events, over):
                        if on_event is not None:
                            on_event(result)
                    break
                except KeyboardInterrupt:
                    if stop.is_set():
                        raise
                    stop.set()
                    for future in tuple(futures):
                        future.cancel()
        except BaseException:
            stop.set()
            go.set()
            raise
    results = leading.result()
    return ApplyReport(
        results=tuple(results[action.order()] for action in plan.changes),
        interrupted=stop.is_set(),
    )


def _all_of(
    events: "SimpleQueue[ActionResult | None]", over: threading.Event
) -> Iterator[ActionResult]:
    while True:
        was_over = over.is_set()  # Ctrl-C may have dropped the None that says so
        try:
            # Not for ever: Ctrl-C ends no wait if the system tells another thread of it.
            result = events.get(timeout=0.2)
        except Empty:
            if was_over:
                return
            continue
        if result is None:
            return
        yield result


def _phases(plan: Plan, access: Access, max_concurrency: int) -> list[list[_Part]]:
    """What is quick, and the replacements: they would keep others waiting for an hour."""
    accounts = {account.id: account for account in plan.accounts}
    run_id = uuid4().hex
    phases: list[list[_Part]] = []
    for are_replacements in (False, True):
        by_part: dict[tuple[str, str], list[PlannedAction]] = defaultdict(list)
        for action in plan.changes:
            if (action.kind == "replace") is are_replacements:
                by_part[action.account_id, str(action.destination_region)].append(action)
        phases.append(
            [
                _Part(
                    Place(accounts[account_id], destination, access, run_id),
                    tuple(actions),
                    max_concurrency,
                )
                for (account_id, destination), actions in sorted(by_part.items())
            ]
        )
    return phases


def _lead(
    phases: list[list[_Part]],
    executor: Executor | None,
    *,
    stop: threading.Event,
    go: threading.Event,
    put: _Tell | None,
    futures: list["Future[list[ActionResult]]"],
) -> dict[object, ActionResult]:
    """Has all parts done."""
    results: dict[object, ActionResult] = {}
    told: set[object] = set()

    def tell(result: ActionResult) -> None:
        if put is not None and result.action.order() not in told:
            told.add(result.action.order())
            put(result)

    # An event, or what tells of one, cannot be sent to another process.
    apply_part = partial(_apply_part, stop=stop, tell=tell) if executor is None else _apply_part
    go.wait()
    with ExitStack() as stack:
        pool = executor or stack.enter_context(ThreadPoolExecutor(_PARTS_AT_ONCE))
        for parts in phases:
            sent: list[Future[list[ActionResult]]] = []
            for part in parts:
                sent.append(_sent(pool, apply_part, part))
                futures.append(sent[-1])
                if stop.is_set():
                    sent[-1].cancel()
            for part, future in zip(parts, sent, strict=True):
                for result in _results_of(part, future):
                    results[result.action.order()] = result
                    tell(result)
    return results


def _sent(
    pool: Executor, apply_part: Callable[[_Part], list[ActionResult]], part: _Part
) -> "Future[list[ActionResult]]":
    try:
        return pool.submit(apply_part, part)
    except RuntimeError as error:  # it is shut down, or has lost its workers
        failed: Future[list[ActionResult]] = Future()
        failed.set_exception(error)
        return failed


def _results_of(part: _Part, future: "Future[list[ActionResult]]") -> list[ActionResult]:
    try:
        return future.result()
    except CancelledError:
        return [_not_attempted(action) for action in part.actions]
    except Exception as error:  # noqa: BLE001  # an engine may lose a worker in any way
        lost = f"What became of it is not known, as its worker failed: {error!r}. Apply it again."
        return [
            ActionResult(action=action, outcome="failed", message=lost) for action in part.actions
        ]


def _apply_part(
    part: _Part, stop: threading.Event | None = None, tell: _Tell | None = None
) -> list[ActionResult]:
    view = PlaceView(part.place)
    is_stopped = stop or threading.Event()
    if is_stopped.is_set():
        return [_not_attempted(action) for action in part.actions]
    came: dict[object, ActionResult] = {}

    def do(action: PlannedAction, instance: Instance | None, error: Exception | None) -> None:
        if is_stopped.is_set():
            result = _not_attempted(action)
        elif error is not None:
            result = _failed(action, error)
        else:
            result = _apply_action(view, listed, action, instance)
        came[action.order()] = result
        if tell is not None:
            tell(result)

    with suppress(Exception):  # else, each action fails with the same
        _ = view.context  # made before there are threads that would each make one
    with ThreadPoolExecutor(part.max_concurrency) as pool:
        starts = [action for action in part.actions if action.kind == "start"]
        listed: Future[None] = pool.submit(view.list_backups) if starts else Future()
        try:
            # First, as they make room.
            doing = [pool.submit(do, a, None, None) for a in part.actions if a.kind != "start"]
            # Sent off as soon as a page shows the instance.
            doing += [pool.submit(do, *found) for found in _with_instances(view, starts)]
            for future in doing:
                future.result()
        except KeyboardInterrupt:  # a terminal sends it to worker processes too
            is_stopped.set()
    return [came.get(action.order()) or _not_attempted(action) for action in part.actions]


def _with_instances(
    view: PlaceView, actions: Sequence[PlannedAction]
) -> Iterator[tuple[PlannedAction, NamedInstance | None, Exception | None]]:
    """Each action with the instance as it is now, if there is one, or why that is not known."""
    for source_region, group in groupby(actions, key=lambda action: action.source_region):
        waiting = {(action.source_db_instance_arn or "").lower(): action for action in group}
        failure: Exception | None = None
        try:
            for instance in view.instance_names(source_region):
                action = waiting.pop((instance.db_instance_arn or "").lower(), None)
                if action is not None:
                    yield action, instance, None
                if not waiting:
                    break
        except Exception as error:  # noqa: BLE001  # one that nobody thought of stops no others
            failure = error
        for action in waiting.values():
            yield action, None, failure


def _apply_action(
    view: PlaceView, listed: "Future[None]", action: PlannedAction, instance: Instance | None
) -> ActionResult:
    try:
        if action.kind == "start":
            listed.result()
        if action.kind == "start" and view.age < _FRESH:
            backups = view.backups_of(instance) if instance else []
        else:
            source_arn, source_region = str(action.source_db_instance_arn), action.source_region
            instance, backups = view.look_again(source_arn, source_region)
        if instance is None:
            return _refused(action, "There is no such instance any more.")
        if instance.dbi_resource_id != (action.seen or Seen()).dbi_resource_id:
            return _refused(action, "Another instance has that name now.")
        best = best_of(backups)
        live = best if best is not None and is_live(best) else None
        return (_stop if action.kind == "stop" else _start)(view, action, live)
    except ReplicationDriftError:
        return _refused(action, _OTHERWISE)
    except Exception as error:  # noqa: BLE001  # one that nobody thought of stops no others
        return _failed(action, error)


_OTHERWISE = "It replicates otherwise than when this was planned."


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
    elif action.kind == "replace" and _is_as_seen(live, action):
        request = START.validate(view.context.destination, keywords)
        result = ensure_replication(view.context, request, replace=True)
    else:
        return _refused(action, _OTHERWISE)
    return _done(action, result.backup, "unchanged" if result.action == "unchanged" else "done")


def _stop(
    view: PlaceView, action: PlannedAction, live: DBInstanceAutomatedBackup | None
) -> ActionResult:
    if live is None:
        return _done(action, None, "unchanged")
    if not _is_as_seen(live, action):
        return _refused(action, _OTHERWISE)
    stopped = ensure_stopped(view.context, action.source_db_instance_arn or "")
    return _done(action, stopped, "done" if stopped else "unchanged")


def _is_as_seen(live: DBInstanceAutomatedBackup, action: PlannedAction) -> bool:
    seen = action.seen or Seen()
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
    message = str(error) if isinstance(error, FAILURES) else repr(error)
    return ActionResult(action=action, outcome="failed", message=message)


def _not_attempted(action: PlannedAction) -> ActionResult:
    return ActionResult(action=action, outcome="not_attempted")
