"""The guard of a scan: a Region that does not answer, or a deadline, must not hold up a fleet.

The guard watches the boto3 clients of audits and plans, but not those of an apply: giving up
early between a stop and a start would leave an instance without a replication.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Literal

from botocore.exceptions import ConnectTimeoutError, ReadTimeoutError
from botocore.session import Session

from .._botocore.errors import NO_RESPONSE_ERRORS, NotAskedError, is_unsendable
from ._durations import format_duration

# The services that the fleet's clients call, by their names in botocore's events.
_SERVICES = {
    "ec2": "EC2",
    "kms": "KMS",
    "organizations": "Organizations",
    "rds": "RDS",
    "sts": "STS",
}
_TIMEOUTS = (ConnectTimeoutError, ReadTimeoutError)

# Two timeouts in a row, or ten quick failures, show that a service does not answer.
_LIMIT = 10
_WEIGHT_OF_TIMEOUT = 5
_PAUSE = 60.0  # seconds until the service is asked again
_SERVER_ERROR = 500


class NotAnsweringError(NotAskedError):
    """A service failed several requests in a row, so the request was not sent."""

    fmt = (
        "{service} in {region_name} did not answer {count} requests in a row; "
        "it was not asked again"
    )
    remedy = (
        "Check the network, and whether the Region has an outage. If the Region only answers "
        "slowly, raise the read_timeout of Access."
    )


class DeadlinePassedError(NotAskedError):
    """The deadline passed, so the request was not sent."""

    fmt = "the deadline of {deadline} passed before {service} in {region_name} was asked"
    remedy = "Check whether all Regions answer, or repeat this with a later deadline=."


@dataclass
class _Failures:
    """The failures of one service in one Region since its last response."""

    count: int = 0
    weight: int = 0
    refused_until: float = 0.0


class _Run:
    """The failures that one run has met in this process, by service and Region."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: dict[tuple[str, str], _Failures] = defaultdict(_Failures)

    def add_failure(self, asked: tuple[str, str], weight: int) -> None:
        with self._lock:
            failures = self._failures[asked]
            failures.count += 1
            failures.weight += weight
            if failures.weight >= _LIMIT:
                failures.refused_until = time.monotonic() + _PAUSE

    def add_response(self, asked: tuple[str, str]) -> None:
        with self._lock:
            self._failures.pop(asked, None)

    def count_if_refused(self, asked: tuple[str, str]) -> int:
        """Return the number of failures in a row if the service must not be asked now, else 0."""
        with self._lock:
            failures = self._failures.get(asked)
            if failures is None or time.monotonic() >= failures.refused_until:
                return 0
            return failures.count


_lock = threading.Lock()


@lru_cache(maxsize=8)
def _run(run_id: str) -> _Run:  # noqa: ARG001  # the cache key
    return _Run()


@dataclass(frozen=True)
class ScanGuard:
    """The deadline of a scan. It can be pickled, and holds in other processes, too."""

    deadline: timedelta | None = None
    ends_at: datetime | None = None
    """The deadline as a time of day, because processes share no other clock."""

    @classmethod
    def starting_now(cls, deadline: timedelta | None) -> "ScanGuard":
        """Return the guard of a scan that starts now.

        Raises:
            ValueError: The deadline is not positive.
        """
        if deadline is None:
            return cls()
        if deadline <= timedelta():
            raise ValueError(f"deadline= must be a positive duration, not {deadline}")
        return cls(deadline, datetime.now(timezone.utc) + deadline)

    def watch(self, session: Session, run_id: str) -> None:
        """Watch all clients that a session will create.

        A client copies the handlers of its session at its creation.
        """
        with _lock:  # lru_cache lets several threads create the same value
            watch = _Watch(self, _run(run_id))
        events = session.get_component("event_emitter")
        for service in _SERVICES:
            # First, because botocore uses the first decision about a retry, and because a request
            # that is not sent needs no signature, which may take a call of STS.
            events.register_first(f"request-created.{service}", watch.before_attempt)
            events.register_first(f"needs-retry.{service}", watch.after_attempt)

    def ends_within(self, seconds: float) -> bool:
        """Return whether the deadline passes within a time."""
        if self.ends_at is None:
            return False
        return datetime.now(timezone.utc) + timedelta(seconds=seconds) >= self.ends_at


class _Watch:
    """The event handlers of one scan."""

    def __init__(self, guard: ScanGuard, run: _Run) -> None:
        self._guard = guard
        self._run = run

    def before_attempt(self, request: Any, event_name: str, **_: Any) -> None:
        """Raise an error instead of sending a request that would be in vain.

        botocore does not retry what is raised here.
        """
        asked = event_name.split(".")[1], str(request.context.get("client_region"))
        names = {"service": _SERVICES[asked[0]], "region_name": asked[1]}
        if self._guard.deadline is not None and self._guard.ends_within(0):
            raise DeadlinePassedError(deadline=format_duration(self._guard.deadline), **names)
        if count := self._run.count_if_refused(asked):
            raise NotAnsweringError(count=count, **names)

    def after_attempt(
        self,
        response: tuple[Any, Any] | None,
        attempts: int,
        caught_exception: Exception | None,
        request_dict: dict[str, Any],
        event_name: str,
        **_: Any,
    ) -> Literal[False] | None:
        """Count the attempt; return ``False`` to prevent a retry, or else ``None``."""
        asked = event_name.split(".")[1], str(request_dict["context"].get("client_region"))
        if response is not None and response[0].status_code < _SERVER_ERROR:
            self._run.add_response(asked)
        elif response is not None:
            self._run.add_failure(asked, 1)
        elif isinstance(caught_exception, NO_RESPONSE_ERRORS) and not is_unsendable(
            caught_exception
        ):
            is_timeout = isinstance(caught_exception, _TIMEOUTS)
            self._run.add_failure(asked, _WEIGHT_OF_TIMEOUT if is_timeout else 1)
        # botocore waits up to 1, 2, 4 and 8 seconds before it retries a throttled request.
        if self._run.count_if_refused(asked) or self._guard.ends_within(2 ** (attempts - 1)):
            return False
        return None
