"""Applying a plan, and resuming an apply that was interrupted."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from queue import Empty, SimpleQueue
from uuid import uuid4

from ..exceptions import PlanRefusedError
from ._actions import not_attempted
from ._batches import Batch
from ._credentials import Access
from ._destination import AccountDestination
from ._journal import Journal
from ._organization import account_for
from ._plan_checks import find_refusals, policy_for
from ._plan_records import ActionResult, ApplyReport, Plan, PlannedAction
from ._policy import Policy
from ._runner import OnEvent, OnStart, Phase, Runner

_DAY = timedelta(days=1)


def apply(
    plan: Plan,
    policy: Policy | None,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_start: OnStart | None = None,
    on_event: OnEvent | None = None,
    max_concurrency: int = 8,
    max_stops: int | None = None,
    max_replacements: int | None = None,
    max_age: timedelta = _DAY,
    journal: str | Path | None = None,
) -> ApplyReport:
    """Apply a plan.

    An action whose observed state has changed since the plan was made is ``refused``. An
    action that has already been applied is ``unchanged``, so applying a plan twice is safe.
    A failed action does not stop the others, with one exception: after a replacement that may
    have left an instance without a replication, no other replacement starts.

    Replacements run last. One runs alone until it is done; then ``limits.at_once`` of the
    policy says how many run at the same time.

    After the first Ctrl-C, running actions finish and no more start. After the second,
    ``KeyboardInterrupt`` is raised once the running actions have finished.

    Args:
        plan: The plan to apply.
        policy: The policy that the plan was made for. It has the accounts' roles. ``None`` is
            enough if the plan is for one account, in which the current credentials act; then
            the default limits hold, and nobody checks whether the policy has changed.
        access: The credentials and the endpoint to use.
        executor: The executor that applies the plan: one task for each account and
            destination Region, and one for each replacement; threads of this process if
            omitted. With an executor, Ctrl-C lets running tasks finish, not only running
            actions.
        on_start: Called with each action right before it begins, in the thread that runs
            the action; not called with an executor. It must be quick and must not raise.
        on_event: Called with each result as soon as the action has finished; with an
            executor, as soon as the action's task has finished. If ``on_event`` raises,
            no more actions start, and ``apply`` raises the same exception.
        max_concurrency: The number of starts and stops to run at once in one destination
            Region of one account, at least 1.
        max_stops: The number of stops allowed; ``limits.stops`` of the policy if omitted.
            A stop that ends a move does not count.
        max_replacements: The number of replacements allowed; ``limits.replacements`` of the
            policy if omitted.
        max_age: How old the plan may be.
        journal: A new file that receives a line before and after each change, for ``resume``.

    Returns:
        One result for each action that changes something, in the order of the plan.

    Raises:
        PlanRefusedError: The plan is older than ``max_age``, was made for another policy, or
            exceeds a limit, or the journal is not empty. Nothing was sent.
        ValueError: ``max_concurrency`` is below 1, another number is negative, an action is in
            an account that the plan does not list, or the plan changes an instance more than
            once.
        OSError: The journal cannot be created.
    """
    _check_arguments(max_concurrency, max_age, max_stops, max_replacements)
    Plan.model_validate(dict(plan))  # model_copy does not validate changed actions
    refusals = find_refusals(
        plan, policy, max_age=max_age, max_stops=max_stops, max_replacements=max_replacements
    )
    if refusals:
        raise PlanRefusedError(refusals)
    policy = policy_for(plan, policy)
    stops = policy.limits.stops if max_stops is None else max_stops
    replacements = policy.limits.replacements if max_replacements is None else max_replacements
    phases = _Phases(policy, access or Access(), max_concurrency)
    with (
        nullcontext()
        if journal is None
        else Journal.create(Path(journal), plan, stops, replacements)
    ) as opened:
        return _run(
            plan,
            phases.create(plan.changes),
            lambda put: Runner(executor, opened, on_start, put),
            on_event,
        )


def resume(
    journal: str | Path,
    policy: Policy,
    *,
    access: Access | None = None,
    executor: Executor | None = None,
    on_start: OnStart | None = None,
    on_event: OnEvent | None = None,
    max_concurrency: int = 8,
    max_age: timedelta = _DAY,
) -> ApplyReport:
    """Go on with an apply that was interrupted, or whose process was killed.

    The plan and the limits are those of the journal. Actions that are ``done`` or ``unchanged``
    are not applied again. Actions that were cut off come first, and replacements that may have
    left an instance without a replication. If the plan is too old by now, or the policy has
    changed, only those of them are applied whose instance does not replicate now; the others
    are ``not_attempted``.

    Resuming twice is safe.

    Args:
        journal: The journal of the apply, which receives more lines.
        policy: The policy that the plan was made for. It has the accounts' roles.
        access: As for ``apply``.
        executor: As for ``apply``.
        on_start: As for ``apply``.
        on_event: As for ``apply``; not called with results of earlier runs.
        max_concurrency: As for ``apply``.
        max_age: How old the plan may be.

    Returns:
        One result for each action that changes something, in the order of the plan; for
        actions that are not applied again, the result of the earlier run.

    Raises:
        PlanRefusedError: The file is not a journal, or another process uses it. Nothing was
            sent.
        ValueError: ``max_concurrency`` is below 1, or ``max_age`` is negative.
        OSError: The journal cannot be read or written.
    """
    _check_arguments(max_concurrency, max_age)
    with Journal.reopen(Path(journal)) as (opened, progress):
        plan = progress.plan
        refusals = find_refusals(
            plan,
            policy,
            max_age=max_age,
            max_stops=progress.max_stops,
            max_replacements=progress.max_replacements,
        )
        first, rest = progress.divide(policy, are_refused=bool(refusals))
        phases = _Phases(policy, access or Access(), max_concurrency)

        def create_runner(put: OnEvent | None) -> Runner:
            runner = Runner(executor, opened, on_start, put)
            runner.results.update(progress.settled)
            if refusals:
                for action in rest:
                    runner.report(not_attempted(action, " ".join(refusals)))
            return runner

        return _run(
            plan,
            [
                *phases.create(first, was_cut_off=True, only_heals=bool(refusals)),
                *phases.create(() if refusals else rest),
            ],
            create_runner,
            on_event,
        )


def _check_arguments(max_concurrency: int, max_age: timedelta, *limits: int | None) -> None:
    if max_concurrency < 1:
        raise ValueError(f"max_concurrency= must be at least 1, not {max_concurrency}")
    if max_age < timedelta(0):
        raise ValueError(f"max_age= must not be negative, but is {max_age}")
    for name, limit in zip(("max_stops", "max_replacements"), limits, strict=False):
        if limit is not None and limit < 0:
            raise ValueError(f"{name}= must be at least 0, not {limit}")


def _run(
    plan: Plan,
    phases: Sequence[Phase],
    create_runner: Callable[[OnEvent | None], Runner],
    on_event: OnEvent | None,
) -> ApplyReport:
    """Run the phases, and call ``on_event`` in this thread."""
    over = threading.Event()
    events: SimpleQueue[ActionResult | None] = SimpleQueue()
    runner = create_runner(None if on_event is None else events.put)
    # Python raises KeyboardInterrupt in the main thread, so another thread runs the phases.
    with ThreadPoolExecutor(1) as leader:
        try:
            leading = leader.submit(runner.run, phases)
            leading.add_done_callback(lambda _: over.set())
            leading.add_done_callback(lambda _: events.put(None))
            while True:
                try:
                    runner.go.set()  # only now, as from here on the handler below catches Ctrl-C
                    for result in _iter_events(events, over):
                        if on_event is not None:
                            on_event(result)
                    break
                except KeyboardInterrupt:
                    if runner.interrupted.is_set():
                        raise
                    runner.interrupt()
        except BaseException:
            runner.interrupted.set()
            runner.go.set()
            raise
    leading.result()
    return ApplyReport(
        results=tuple(runner.results[action.sort_key()] for action in plan.changes),
        interrupted=runner.interrupted.is_set(),
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


class _Phases:
    """Divides actions into phases: quick actions first, then replacements.

    A replacement may take an hour, and would occupy a thread that quick actions need.
    """

    def __init__(self, policy: Policy, access: Access, max_concurrency: int) -> None:
        self._policy = policy
        self._access = access
        self._max_concurrency = max_concurrency
        self._run_id = uuid4().hex

    def create(
        self,
        actions: Iterable[PlannedAction],
        *,
        was_cut_off: bool = False,
        only_heals: bool = False,
    ) -> tuple[Phase, Phase]:
        """Return the phases of some actions.

        Args:
            actions: The actions.
            was_cut_off: Whether the actions began before. Then their replacements heal, so none
                of them waits for another.
            only_heals: Whether to leave instances alone that replicate.
        """
        groups: dict[tuple[str, str], list[PlannedAction]] = defaultdict(list)
        replacements: list[PlannedAction] = []
        for action in actions:
            if action.kind == "replace":
                replacements.append(action)
            else:
                groups[action.account_id, str(action.destination_region)].append(action)
        batches = [
            replace(
                self._batch(group, self._max_concurrency),
                was_cut_off=was_cut_off,
                only_heals=only_heals,
            )
            for _, group in sorted(groups.items())
        ]
        alone = [
            replace(self._batch([action], 1), was_cut_off=was_cut_off, only_heals=only_heals)
            for action in replacements
        ]
        at_once = self._policy.limits.at_once
        return (
            Phase(batches),
            Phase(alone, at_once, is_careful=not was_cut_off),
        )

    def _batch(self, actions: Sequence[PlannedAction], max_concurrency: int) -> Batch:
        account_id, region_name = actions[0].account_id, str(actions[0].destination_region)
        account = account_for(self._policy, account_id)
        if account is None:
            raise ValueError(f"account {account_id} is not in the policy")  # checked before
        destination = AccountDestination(account, region_name, self._access, self._run_id)
        return Batch(destination, tuple(actions), max_concurrency)
