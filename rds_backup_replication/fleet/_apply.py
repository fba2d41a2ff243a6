"""How the actions of a plan run: in phases and batches, until done or interrupted."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from queue import Empty, SimpleQueue
from uuid import uuid4

from ._actions import apply_action, failed, not_attempted
from ._credentials import Access
from ._destination import AccountDestination, DestinationReader, Instance, InstanceIdentity
from ._plan_records import ActionResult, ApplyReport, Plan, PlannedAction
from ._policy import Policy

OnEvent = Callable[[ActionResult], object]
OnStart = Callable[[PlannedAction], object]

_BATCHES_AT_ONCE = 16


@dataclass(frozen=True)
class _Batch:
    """The actions of one phase in one account and destination."""

    destination: AccountDestination
    actions: tuple[PlannedAction, ...]
    max_concurrency: int


def apply(
    plan: Plan,
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_start: OnStart | None = None,
    on_event: OnEvent | None = None,
    max_concurrency: int = 8,
) -> ApplyReport:
    """Apply a plan.

    An action whose observed state has changed since the plan was made is ``refused``. An
    action that has already been applied is ``unchanged``, so applying a plan twice is safe.
    A failed action does not stop the others. Replacements run last, because each takes many
    minutes.

    After the first Ctrl-C, running actions finish and no more start. After the second,
    ``KeyboardInterrupt`` is raised once the running actions have finished.

    Args:
        plan: The plan to apply.
        policy: The policy that the plan was made for. It has the accounts' roles.
        access: The credentials and the endpoint to use.
        executor: The executor that applies the plan, one task for each account and
            destination Region; threads of this process if omitted. With an executor,
            Ctrl-C lets running tasks finish, not only running actions.
        on_start: Called with each action right before it begins, in the thread that runs
            the action; not called with an executor. It must be quick and must not raise.
        on_event: Called with each result as soon as the action has finished; with an
            executor, as soon as the action's task has finished. If ``on_event`` raises,
            no more actions start, and ``apply`` raises the same exception.
        max_concurrency: The number of actions to run at once in one destination Region of
            one account, at least 1.

    Returns:
        One result for each action that changes something, in the order of the plan.

    Raises:
        ValueError: ``max_concurrency`` is below 1, an action is in an account that the
            plan does not list, or the plan changes an instance more than once.
    """
    if max_concurrency < 1:
        raise ValueError(f"max_concurrency= must be at least 1, not {max_concurrency}")
    stop, go, over = threading.Event(), threading.Event(), threading.Event()
    events: SimpleQueue[ActionResult | None] = SimpleQueue()
    futures: list[Future[list[ActionResult]]] = []
    Plan.model_validate(dict(plan))  # model_copy does not validate changed actions
    phases = _phases(plan, policy, access or Access(), max_concurrency)
    # Python raises KeyboardInterrupt in the main thread, so another thread runs the phases.
    with ThreadPoolExecutor(1) as leader:
        try:
            put = None if on_event is None else events.put
            leading = leader.submit(
                _run_phases,
                *(phases, executor),
                stop=stop,
                go=go,
                on_start=on_start,
                put=put,
                futures=futures,
            )
            leading.add_done_callback(lambda _: over.set())
            leading.add_done_callback(lambda _: events.put(None))
            while True:
                try:
                    go.set()  # only now, as from here on the handler below catches Ctrl-C
                    for result in _iter_events(events, over):
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
        results=tuple(results[action.sort_key()] for action in plan.changes),
        interrupted=stop.is_set(),
    )


def _iter_events(
    events: "SimpleQueue[ActionResult | None]", over: threading.Event
) -> Iterator[ActionResult]:
    """Yield results until the queue's end, which is ``None``."""
    while True:
        was_over = over.is_set()  # Ctrl-C may drop the None that ends the queue
        try:
            # The timeout matters for Ctrl-C: if the system delivers the signal to another
            # thread, an endless wait in the main thread would not end.
            result = events.get(timeout=0.2)
        except Empty:
            if was_over:
                return
            continue
        if result is None:
            return
        yield result


def _phases(plan: Plan, policy: Policy, access: Access, max_concurrency: int) -> list[list[_Batch]]:
    """Return the batches of each phase: quick actions first, then replacements.

    A replacement may take an hour, and would occupy a thread that quick actions need.
    """
    accounts = {account.id: account for account in policy.accounts}
    run_id = uuid4().hex
    phases: list[list[_Batch]] = []
    for are_replacements in (False, True):
        groups: dict[tuple[str, str], list[PlannedAction]] = defaultdict(list)
        for action in plan.changes:
            if (action.kind == "replace") is are_replacements:
                groups[action.account_id, str(action.destination_region)].append(action)
        phases.append(
            [
                _Batch(
                    AccountDestination(accounts[account_id], destination, access, run_id),
                    tuple(actions),
                    max_concurrency,
                )
                for (account_id, destination), actions in sorted(groups.items())
            ]
        )
    return phases


def _run_phases(
    phases: list[list[_Batch]],
    executor: Executor | None,
    *,
    stop: threading.Event,
    go: threading.Event,
    on_start: OnStart | None,
    put: OnEvent | None,
    futures: list["Future[list[ActionResult]]"],
) -> dict[object, ActionResult]:
    """Run all batches, phase by phase; return the results by the actions' sort keys.

    Args:
        phases: The batches of each phase.
        executor: The executor for batches; threads of this process if ``None``.
        stop: Set when no more actions may start.
        go: Set when the batches may start.
        on_start: Called with each action before it begins, if given.
        put: Called once with each result, if given.
        futures: Receives the future of each batch, so that the caller can cancel it.
    """
    results: dict[object, ActionResult] = {}
    reported: set[object] = set()

    def report(result: ActionResult) -> None:
        if put is not None and result.action.sort_key() not in reported:
            reported.add(result.action.sort_key())
            put(result)

    # Neither a threading.Event nor this function can be pickled for another process.
    run_batch: Callable[[_Batch], list[ActionResult]] = _run_batch
    if executor is None:
        run_batch = partial(_run_batch, stop=stop, on_start=on_start, report=report)
    go.wait()
    with ExitStack() as stack:
        pool = executor or stack.enter_context(ThreadPoolExecutor(_BATCHES_AT_ONCE))
        for batches in phases:
            submitted: list[Future[list[ActionResult]]] = []
            for batch in batches:
                submitted.append(_submit(pool, run_batch, batch))
                futures.append(submitted[-1])
                if stop.is_set():
                    submitted[-1].cancel()
            for batch, future in zip(batches, submitted, strict=True):
                for result in _results_of(batch, future):
                    results[result.action.sort_key()] = result
                    report(result)
    return results


def _submit(
    pool: Executor, run_batch: Callable[[_Batch], list[ActionResult]], batch: _Batch
) -> "Future[list[ActionResult]]":
    """Submit a batch; return a failed future if the executor refuses the batch."""
    try:
        return pool.submit(run_batch, batch)
    except RuntimeError as error:  # the executor is shut down, or has lost its workers
        refused: Future[list[ActionResult]] = Future()
        refused.set_exception(error)
        return refused


def _results_of(batch: _Batch, future: "Future[list[ActionResult]]") -> list[ActionResult]:
    """Wait for a batch; return its results, even if the batch was canceled or lost."""
    try:
        return future.result()
    except CancelledError:
        return [not_attempted(action) for action in batch.actions]
    except Exception as error:  # noqa: BLE001  # executors report lost workers in any way
        message = f"The outcome is unknown: the worker failed with {error!r}. Apply the plan again."
        return [
            ActionResult(action=action, outcome="failed", message=message)
            for action in batch.actions
        ]


def _run_batch(
    batch: _Batch,
    stop: threading.Event | None = None,
    on_start: OnStart | None = None,
    report: OnEvent | None = None,
) -> list[ActionResult]:
    """Apply a batch's actions; return their results in the same order."""
    reader = DestinationReader(batch.destination)
    is_stopped = stop or threading.Event()
    if is_stopped.is_set():
        return [not_attempted(action) for action in batch.actions]
    results: dict[object, ActionResult] = {}

    def run(action: PlannedAction, instance: Instance | None, error: Exception | None) -> None:
        if is_stopped.is_set():
            result = not_attempted(action)
        elif error is not None:
            result = failed(action, error)
        else:
            if on_start is not None:
                on_start(action)
            result = apply_action(reader, listing, action, instance)
        results[action.sort_key()] = result
        if report is not None:
            report(result)

    # Creates the client before several threads would each create one. If that fails here,
    # each action fails with the same error.
    with suppress(Exception):
        _ = reader.context
    with ThreadPoolExecutor(batch.max_concurrency) as pool:
        starts = [action for action in batch.actions if action.kind == "start"]
        listing: Future[None] = pool.submit(reader.list_backups) if starts else Future()
        try:
            # Stops come first, because they make room in the quota.
            running = [pool.submit(run, a, None, None) for a in batch.actions if a.kind != "start"]
            # Each start is submitted as soon as a page lists its instance.
            running += [pool.submit(run, *found) for found in _find_instances(reader, starts)]
            for future in running:
                future.result()
        except KeyboardInterrupt:  # a terminal sends Ctrl-C to worker processes, too
            is_stopped.set()
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
