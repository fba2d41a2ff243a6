"""The run of an apply: which batches start when, what is recorded, and what ends the run early."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from ._actions import failed, not_attempted
from ._batches import Batch, Watcher, run_batch
from ._journal import ActionKey, Journal
from ._plan_records import ActionResult, PlannedAction

OnEvent = Callable[[ActionResult], object]
OnStart = Callable[[PlannedAction], object]

_BATCHES_AT_ONCE = 16

_logger = logging.getLogger("rds_backup_replication")


@dataclass(frozen=True)
class Phase:
    """Batches that run at the same time; the next phase waits for all of them."""

    batches: Sequence[Batch]
    at_once: int | None = None
    """How many of the batches may run at the same time; ``None``: as many as there are workers."""
    is_careful: bool = False
    """Whether each batch is alone until one is done, and none starts after a failure that may
    have left an instance without a replication."""


class Runner:
    """One run: its results so far, and whether more actions may begin."""

    def __init__(
        self,
        executor: Executor | None,
        journal: Journal | None,
        on_start: OnStart | None,
        put: OnEvent | None,
    ) -> None:
        self.interrupted = threading.Event()
        """Set when no more actions may begin because of an interruption."""
        self.go = threading.Event()
        """Set when the first batches may start."""
        self.results: dict[ActionKey, ActionResult] = {}
        self._executor = executor
        self._journal = journal
        self._on_start = on_start
        self._put = put
        self._cancelable: list[Future[list[ActionResult]]] = []
        self._obstacle: str | None = None
        """Why no more actions may begin, apart from an interruption."""
        self._casualty: str | None = None
        """Why no more replacements may begin: one may have left an instance unprotected."""

    def interrupt(self) -> None:
        """Let no more actions begin. Actions in progress finish."""
        self.interrupted.set()
        for future in tuple(self._cancelable):
            future.cancel()

    def run(self, phases: Sequence[Phase]) -> None:
        """Run the phases, one after the other."""
        self.go.wait()
        for phase in phases:
            with ExitStack() as stack:
                threads = phase.at_once or _BATCHES_AT_ONCE
                pool = self._executor or stack.enter_context(ThreadPoolExecutor(threads))
                try:
                    self._run_phase(phase, pool)
                except BaseException:
                    self.interrupt()  # before the threads of the pool are awaited
                    raise

    def _run_phase(self, phase: Phase, pool: Executor) -> None:
        waiting = deque(phase.batches)
        running: dict[Future[list[ActionResult]], Batch] = {}
        at_once = phase.at_once or max(len(waiting), 1)
        width = 1 if phase.is_careful else at_once
        while waiting or running:
            while waiting and len(running) < width:
                batch = waiting.popleft()
                if phase.is_careful and self._casualty is not None:
                    self._skip(batch, self._casualty)
                elif (future := self._submit(pool, batch)) is not None:
                    running[future] = batch
                    # Some executors cancel a task that is running. The outcome of a replacement
                    # would not be known then.
                    if phase.at_once is None:
                        self._cancelable.append(future)
                        if self.interrupted.is_set():  # perhaps interrupt() did not see it
                            future.cancel()
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in [future for future in running if future in finished]:
                for result in _results_of(running.pop(future), future):
                    self.report(result)
                    if result.outcome == "done":
                        width = at_once

    def _submit(self, pool: Executor, batch: Batch) -> "Future[list[ActionResult]] | None":
        """Submit a batch; report its results at once and return ``None`` if it cannot begin."""
        task = partial(run_batch, batch)
        if self._executor is None:
            task = partial(run_batch, batch, Watcher(self._begin, self.report))
        elif not self.interrupted.is_set():
            for action in batch.actions:
                self._record_begin(action)
        if self._obstacle is not None or self.interrupted.is_set():
            self._skip(batch, self._obstacle)
            return None
        try:
            future = pool.submit(task)
        except RuntimeError as error:  # the executor is shut down, or has lost its workers
            for action in batch.actions:
                is_protected = None if batch.was_cut_off else True
                self.report(failed(action, error, is_protected=is_protected))
            return None
        return future

    def _begin(self, action: PlannedAction) -> ActionResult | None:
        """Record that an action begins; return its result if it may not."""
        if self.interrupted.is_set():
            return not_attempted(action)
        self._record_begin(action)
        if self._obstacle is not None:
            return not_attempted(action, self._obstacle)
        if self._on_start is not None:
            self._on_start(action)
        return None

    def _record_begin(self, action: PlannedAction) -> None:
        if self._journal is not None and self._obstacle is None:
            try:
                self._journal.begin(action)
            except OSError as error:
                self._set_obstacle(error)

    def _skip(self, batch: Batch, reason: str | None) -> None:
        for action in batch.actions:
            self.report(not_attempted(action, reason))

    def report(self, result: ActionResult) -> None:
        """Record the result of an action, once."""
        key = result.action.sort_key()
        if key in self.results:
            return
        self.results[key] = result
        if result.may_be_unprotected:
            self._casualty = _explain_caution(result)
        if self._journal is not None:
            try:
                self._journal.end(result)
            except OSError as error:
                self._set_obstacle(error)
        if self._put is not None:
            self._put(result)

    def _set_obstacle(self, error: OSError) -> None:
        if self._obstacle is None:
            problem = error.strerror or error
            self._obstacle = f"Not attempted, because the journal cannot be written: {problem}."
            _logger.error("The journal cannot be written, so no more actions start: %s", problem)


def _results_of(batch: Batch, future: "Future[list[ActionResult]]") -> list[ActionResult]:
    """Return the results of a finished batch, even if the batch was canceled or lost."""
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


def _explain_caution(casualty: ActionResult) -> str:
    state = "is" if casualty.is_protected is False else "may be"
    return (
        f"Not attempted, because {casualty.action.source_db_instance_arn} {state} without a "
        "replication after its replacement failed. Resolve the cause, and apply the plan again."
    )
