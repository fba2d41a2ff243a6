"""One run of a recovery or a drill: its clients, its journal, its pauses, and its end."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

from .._context import Context
from .._models import ApiCall, DBInstanceAutomatedBackup
from .._models._instance import DBInstance
from .._operations import DESCRIBE
from ..exceptions import DBInstanceNotFoundFault
from ..fleet._destination import ACCOUNT_ERRORS, AccountDestination, DestinationReader
from ._access import Place
from ._journal import Begin, End, Key, Line, Progress, RecoveryJournal, Step, now
from ._operations import DESCRIBE_INSTANCES
from ._settings import run_of

# The statuses that end RDS's own waiter for an available instance, and others that only a change
# by a person ends.
FAILED_STATUSES = frozenset(
    {
        "deleted",
        "deleting",
        "failed",
        "inaccessible-encryption-credentials",
        "incompatible-network",
        "incompatible-option-group",
        "incompatible-parameters",
        "incompatible-restore",
        "restore-error",
    }
)
_MAX_THREADS = 256
_LISTING_AGE = 60.0  # seconds

TaskT = TypeVar("TaskT")
EventT = TypeVar("EventT")


class StoppedError(Exception):
    """The run was interrupted, and this instance has not been finished."""


class RequestLog:
    """The request IDs of the calls that change something, by thread."""

    def __init__(self) -> None:
        self._local = threading.local()

    def restart(self) -> None:
        """Forget the requests of this thread."""
        self._local.request_ids = []

    def __call__(self, call: ApiCall) -> None:
        """Note a call, if it changes something."""
        if call.request_id and not call.operation_name.startswith(("Describe", "Get", "List")):
            self.request_ids.append(call.request_id)

    @property
    def request_ids(self) -> list[str]:
        """Return the request IDs of this thread."""
        found: list[str] | None = getattr(self._local, "request_ids", None)
        if found is None:
            found = self._local.request_ids = []
        return found


@dataclass
class Run:
    """The state that all instances of a run share."""

    destinations: Mapping[Place, AccountDestination]
    progress: Progress
    journal: RecoveryJournal | None
    """The journal; ``None`` if the run only plans."""
    poll_interval: float
    timeout: timedelta
    stopped: threading.Event = field(default_factory=threading.Event)
    """Set when no more changes may begin."""
    abandoned: threading.Event = field(default_factory=threading.Event)
    """Set when even a cleanup must end."""
    requests: RequestLog = field(default_factory=RequestLog)
    callers: dict[str, str] = field(default_factory=dict[str, str])
    readers: dict[Place, DestinationReader] = field(default_factory=dict[Place, DestinationReader])
    failures: dict[Place, Exception] = field(default_factory=dict[Place, Exception])
    """Why a place cannot be called, if it cannot."""

    @property
    def run_id(self) -> str:
        """Return the ID of the recovery or drill, which a tag of each restored instance has."""
        return self.progress.header.run_id

    def write(self, line: Line) -> None:
        """Write a line to the journal."""
        assert self.journal is not None  # noqa: S101  # a run that only plans writes nothing
        self.journal.write(line)

    def begin(self, step: Step, key: Key, db_instance_arn: str, **facts: Any) -> Begin:
        """Write that a change begins, and return the line."""
        account_id, region, identifier = key
        line = Begin(
            at=now(),
            step=step,
            account_id=account_id,
            region=region,
            identifier=identifier,
            db_instance_arn=db_instance_arn,
            **facts,
        )
        self.write(line)
        return line

    def end(
        self, step: Step, key: Key, dbi_resource_id: str | None, error: Exception | None = None
    ) -> None:
        """Write the end of a change, or the error with which RDS refused the change."""
        account_id, region, identifier = key
        self.write(
            End(
                at=now(),
                step=step,
                account_id=account_id,
                region=region,
                identifier=identifier,
                dbi_resource_id=dbi_resource_id,
                error=type(error).__name__ if error else None,
            )
        )

    def connect(self, *, lists_backups: bool = True) -> None:
        """Create the clients, check whose credentials they have, and list the backups.

        Args:
            lists_backups: Whether to list the backups, which a cleanup does not need.
        """

        def connect_to(item: tuple[Place, AccountDestination]) -> None:
            place, destination = item
            reader = DestinationReader(destination)
            self.readers[place] = reader
            try:
                reader.context.on_call = self.requests
                self.callers[place[0]] = reader.check_caller()
                if lists_backups:
                    reader.list_backups()
            except Exception as error:  # noqa: BLE001  # it must not stop the other places
                self.failures[place] = error

        with ThreadPoolExecutor(min(16, len(self.destinations) or 1)) as pool:
            list(pool.map(connect_to, self.destinations.items()))

    def pause(self, context: Context, seconds: float) -> None:
        """Pause, unless the run is interrupted.

        Raises:
            StoppedError: The run was interrupted before or during the pause.
        """
        if context.clock is time:
            self.stopped.wait(seconds)
        elif not self.stopped.is_set():
            context.clock.sleep(seconds)
        self.check_stopped()

    def wait(self, context: Context, at_least: float = 0.0) -> None:
        """Pause between two attempts of a cleanup, which an interruption does not end."""
        seconds = max(self.poll_interval, at_least)
        if context.clock is time:
            self.abandoned.wait(seconds)
        else:
            context.clock.sleep(seconds)

    def list_backups(self, place: Place, resource_id: str) -> list[DBInstanceAutomatedBackup]:
        """Return the backups of a place, with those of an instance as they are now.

        A run lists all backups once, perhaps hours before it restores this instance.
        """
        reader = self.readers[place]
        if reader.listing_age > _LISTING_AGE:
            with suppress(*ACCOUNT_ERRORS):
                found = DESCRIBE.list(reader.context, dbi_resource_id=resource_id)
                return [b for b in found if b.region != place[1]] or reader.listed
        return reader.listed

    def check_stopped(self) -> None:
        """Raise a ``StoppedError`` if the run was interrupted."""
        if self.stopped.is_set():
            raise StoppedError


def describe_instance(context: Context, identifier: str) -> DBInstance | None:
    """Return the instance that has an identifier now, or ``None``."""
    try:
        found = list(DESCRIBE_INSTANCES.list(context, db_instance_identifier=identifier))
    except DBInstanceNotFoundFault:
        return None
    return found[0] if found else None


def status_of(instance: DBInstance) -> str:
    """Return the status of an instance in lower case; an empty text if RDS shows none."""
    return (instance.db_instance_status or "").lower()


def find_renamed(run: Run, context: Context, key: Key) -> DBInstance | None:
    """Return the instance that a run has restored under a name, if it has another name now.

    If the response to the restore was lost, it is the instance with the tag of the run that is
    none of the run's others.
    """
    instances = {**run.progress.instances}
    own = instances[key]
    if own.restore is None and own.dbi_resource_id is None:
        return None
    known = {each.dbi_resource_id.lower() for each in instances.values() if each.dbi_resource_id}
    for instance in DESCRIBE_INSTANCES.list(context):
        name = (instance.db_instance_identifier or "").lower()
        resource_id = (instance.dbi_resource_id or "").lower()
        if own.dbi_resource_id is not None:
            if name != key[2] and resource_id == own.dbi_resource_id.lower():
                return instance
        elif (
            run_of(instance) == run.run_id
            and resource_id not in known
            and (*key[:2], name) not in instances
        ):
            return instance
    return None


class Crew(Generic[EventT]):
    """Threads that work on the tasks of a run, while this thread reports what they did."""

    def __init__(
        self,
        run: Run,
        on_event: Callable[[EventT], object] | None,
    ) -> None:
        self._run = run
        self._on_event = on_event
        self._events: SimpleQueue[EventT] = SimpleQueue()

    def report(self, event: EventT) -> None:
        """Pass an event on to the thread that called ``work``."""
        self._events.put(event)

    def run(self, do: Callable[[], object]) -> None:
        """Do one thing in another thread, because Ctrl-C interrupts this one."""
        self.work([do], lambda each: each(), 1)

    def work(
        self, tasks: list[TaskT], do: Callable[[TaskT], object], at_once: int = _MAX_THREADS
    ) -> None:
        """Do some tasks in parallel, and return when all of them have ended.

        After the first Ctrl-C, the tasks end early, each in its own way. After the second one,
        ``KeyboardInterrupt`` is raised once the requests that have been sent are answered.

        Args:
            tasks: The tasks.
            do: Does one task. An error that it raises ends the run, as does one of ``on_event``.
            at_once: The number of tasks to do at the same time.
        """
        if not tasks:
            return
        run = self._run
        failure: Exception | None = None
        pool = ThreadPoolExecutor(min(len(tasks), at_once))
        try:
            running = [pool.submit(do, task) for task in tasks]
            is_over = False
            while not is_over:
                try:
                    are_done = all(future.done() for future in running)
                    self._pass_on(0 if are_done else 0.1)
                    is_over = are_done
                except KeyboardInterrupt:  # noqa: PERF203  # each Ctrl-C counts
                    if run.stopped.is_set():
                        raise
                    run.stopped.set()
                except Exception as error:  # noqa: BLE001  # of on_event; the tasks must end well
                    failure, self._on_event = error, None
                    run.stopped.set()
            for future in running:
                future.result()
        except BaseException:
            run.stopped.set()
            run.abandoned.set()
            raise
        finally:
            pool.shutdown(wait=True)
        if failure is not None:
            raise failure

    def _pass_on(self, seconds: float) -> None:
        """Report the events that have come, and wait for the first one if there is none."""
        with suppress(Empty):
            event = self._events.get(timeout=seconds) if seconds else self._events.get_nowait()
            while True:
                if self._on_event is not None:
                    self._on_event(event)
                event = self._events.get_nowait()
