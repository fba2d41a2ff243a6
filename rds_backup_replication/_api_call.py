"""One API call: its log line, and its report to ``on_call=``."""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from ._botocore.errors import NEVER_SENT, is_unsendable, may_have_taken_effect
from ._botocore.fork_safety import drop_inherited_connections
from ._botocore.hooks import FailedAttempts
from ._cancellation import CallCancelled, CancellableCalls, current_calls
from ._models import ApiCall
from .exceptions import ResponseValidationError

if TYPE_CHECKING:
    from typing_extensions import Self

_logger = logging.getLogger("rds_backup_replication")


OnCall = Callable[[ApiCall], object]


class CallRecord:
    """Logs an API call that is made within the block, and reports it to ``on_call``.

    This is a class because ``contextlib.contextmanager`` would set the traceback of an exception
    that passes, which a frozen dataclass refuses.
    """

    def __init__(self, client: BaseClient, operation_name: str, on_call: OnCall | None) -> None:
        self.response: Mapping[str, Any] = {}
        self._region_name = client.meta.region_name
        self._operation_name = operation_name
        self._on_call = on_call
        self._cancellable = current_calls()
        is_watched = on_call is not None or self._cancellable is not None
        self._attempts = FailedAttempts(client) if is_watched else None
        drop_inherited_connections(client)

    @property
    def _is_change(self) -> bool:
        return not self._operation_name.startswith("Describe")

    def __enter__(self) -> "Self":
        if self._cancellable is not None:
            self._cancellable.begin(is_change=self._is_change)
        if self._attempts is not None:
            self._failures = self._attempts.__enter__()
            self._earlier_failures = len(self._failures)
        self._started = time.perf_counter()
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        seconds = time.perf_counter() - self._started
        if self._attempts is not None:
            self._attempts.__exit__()
        if _logger.isEnabledFor(logging.DEBUG):
            request_id, _ = self._id_and_status(error)
            _logger.debug(
                "%s in %s: %s, %.0f ms",
                *(self._operation_name, self._region_name, _outcome(error, request_id)),
                seconds * 1000,
            )
        if self._on_call is not None:
            request_id, status = self._id_and_status(error)
            attempts = self._count_attempts(status, error)
            where = (self._operation_name, self._region_name)
            duration = timedelta(seconds=seconds)
            call = ApiCall(*where, request_id, status, attempts, duration, error)
            report_call(self._on_call, call)
        if self._cancellable is not None:  # last, because a cancelled caller waits for this
            self._end_cancellable(self._cancellable, error)

    def _count_attempts(self, status: int | None, error: BaseException | None) -> int:
        failures = self._failures[self._earlier_failures :]
        sent = sum(not (isinstance(each, NEVER_SENT) or is_unsendable(each)) for each in failures)
        # botocore counts a response that it cannot parse as no failed attempt, and a stub's error.
        is_answered = error is None or isinstance(error, ResponseValidationError)
        return sent + (is_answered or (status is not None and not failures))

    def _end_cancellable(self, calls: CancellableCalls, error: BaseException | None) -> None:
        """Tell what a change did, which the caller does not learn after a cancellation."""
        name, is_uncertain = self._operation_name, True
        outcome: str | None = None
        if error is None:
            outcome = f"{name} has succeeded: {_arns_in(self.response)}"
        elif isinstance(error, CallCancelled):
            sent = self._failures[self._earlier_failures :]
            uncertain = next(filter(may_have_taken_effect, sent), None)
            outcome = f"{name} may have taken effect: {uncertain}" if uncertain else None
        elif isinstance(error, Exception):
            outcome, is_uncertain = f"{name} has failed: {error}", may_have_taken_effect(error)
        calls.end(outcome if self._is_change else None, may_have_taken_effect=is_uncertain)

    def _id_and_status(self, error: BaseException | None) -> tuple[str | None, int | None]:
        """Return the request ID and the HTTP status of the last response."""
        response = self.response
        if isinstance(error, ClientError) and error.operation_name != self._operation_name:
            return None, None  # of STS, which gives the credentials
        if isinstance(error, (ClientError, ResponseValidationError)):
            response = error.response
        metadata = response.get("ResponseMetadata")
        if metadata is None:  # botocore could not parse the response
            headers = {name.lower(): value for name, value in response.get("headers", {}).items()}
            return headers.get("x-amzn-requestid"), response.get("status_code")
        return metadata.get("RequestId"), metadata.get("HTTPStatusCode")


def report_call(on_call: OnCall | None, call: ApiCall) -> None:
    """Report a call; an error in the caller's code must not change what the call did."""
    if on_call is None:
        return
    try:
        on_call(call)
    except Exception:
        _logger.exception("on_call= raised an error; the call is not affected")


def _arns_in(response: Mapping[str, Any]) -> str:
    """Return the ARNs of what a change made or changed."""
    results: list[Any] = [value for value in response.values() if isinstance(value, dict)]
    return ", ".join(
        f"{name} {value}"
        for result in results
        for name, value in result.items()
        if name.endswith("Arn")
    )


def _outcome(error: BaseException | None, request_id: str | None) -> str:
    if isinstance(error, ResponseValidationError):
        return "invalid response"
    if isinstance(error, ClientError):
        return f"{error.response.get('Error', {}).get('Code')}, {request_id}"
    return "no response" if error is not None else request_id or "no request ID"
