"""The event handlers of a boto3 client and its errors, only within this library's own calls."""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError
from botocore.hooks import BaseEventHooks

from .._cancellation import current_calls
from .._credentials import read_credentials
from .._redact import hide_secrets, is_of_library, modules_in_traceback
from ..exceptions import ResponseValidationError
from .credential_errors import retrieval_error
from .errors import is_unsendable, service_error
from .fast_parser import FastParser
from .outdated import outdated_boto3_error

# The response that botocore is parsing. Empty: none; unset: not within a call of this library.
_raw_response: ContextVar[Mapping[str, Any] | None] = ContextVar("raw_response", default=None)
_NO_RESPONSE: Mapping[str, Any] = {}

# How the attempts at the current call failed.
_failures: ContextVar[list[Exception] | None] = ContextVar("failures", default=None)
# Registering a handler takes a tenth of a call's time.
_recording: WeakSet[BaseClient] = WeakSet()


_MAX_REASON = 10_000  # the text of a parser's error contains the whole response


def register_hooks(events: BaseEventHooks) -> None:
    """Keep a client's raw response while botocore parses it, and parse it ahead of botocore."""
    parser = FastParser()

    def before_parse(response_dict: dict[str, Any], **keywords: Any) -> None:
        if _raw_response.get() is None:
            return
        _raw_response.set(dict(response_dict))
        parser.parse(
            keywords["operation_model"], response_dict, keywords["customized_response_dict"]
        )

    # A client that is registered twice keeps its first handlers. "before-parse" for all services
    # runs after handlers for one service, so other handlers get the whole response.
    events.register_last("before-parse", before_parse, unique_id="rds-backup-replication-raw")
    events.register(
        "response-received.rds", _response_received, unique_id="rds-backup-replication-ok"
    )


def _response_received(**_: Any) -> None:
    if _raw_response.get() is not None:
        _raw_response.set(_NO_RESPONSE)


def unparsed_response() -> dict[str, Any] | None:
    """Return the response that botocore is parsing or failed to parse, if there is one."""
    raw = _raw_response.get()
    if not raw:
        return None
    return {"status_code": raw["status_code"], "headers": dict(raw["headers"]), "body": raw["body"]}


# These are classes because contextlib.contextmanager sets the traceback of an exception that
# passes, which a frozen dataclass refuses.


class FailedAttempts:
    """Collects the error of each failed attempt within a block, also if botocore retries it.

    A block within another one adds to the same list.
    """

    def __init__(self, client: BaseClient) -> None:
        self._client = client

    def __enter__(self) -> list[Exception]:
        if self._client not in _recording:
            service = self._client.meta.service_model.service_id.hyphenize()
            # First, because a later handler of botocore may raise.
            for event, handler in (("needs-retry", _attempt_ended), ("before-send", _before_send)):
                self._client.meta.events.register_first(
                    f"{event}.{service}", handler, unique_id=f"rds-backup-replication-{event}"
                )
            _recording.add(self._client)
        outer = _failures.get()
        failures: list[Exception] = [] if outer is None else outer
        self._token = _failures.set(failures)
        return failures

    def __exit__(self, *_: object) -> None:
        _failures.reset(self._token)


def _before_send(**_: Any) -> None:
    calls = current_calls()
    if calls is not None:
        calls.check()


def _attempt_ended(
    response: tuple[object, dict[str, Any]] | None, caught_exception: Exception | None, **_: Any
) -> None:
    failures = _failures.get()
    if failures is None:
        return
    if caught_exception is not None:
        failures.append(caught_exception)
    elif response is not None and "Error" in response[1]:
        failures.append(service_error(ClientError(response[1], "")))  # type: ignore[arg-type]


class ErrorTranslation:
    """Raises this library's exceptions in place of botocore's, where RDS responded.

    Each response within the block is kept for as long as botocore parses it.
    """

    def __init__(self, client: BaseClient, operation_name: str) -> None:
        self._operation_name = operation_name
        # Another thread may refresh them during the call.
        self._used = read_credentials(client, may_ask=False)

    def __enter__(self) -> None:
        self._token = _raw_response.set(_NO_RESPONSE)

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        try:
            # A parser may fail with any type of error.
            if isinstance(error, Exception):
                self._translate(error)
        finally:
            _raw_response.reset(self._token)

    def _translate(self, error: Exception) -> None:
        """Raise the exception for an error, or return if the error itself is the right one."""
        secrets = hide_secrets(error, [self._used])
        if outdated := outdated_boto3_error(self._operation_name, error):
            raise outdated from error
        raw = unparsed_response()
        if isinstance(error, ClientError):
            if error.operation_name != self._operation_name:  # another service, such as STS
                return
            raise service_error(error, secrets.invalid_credentials()) from error
        invalid = secrets.invalid_credentials()
        is_named = invalid is not None and is_unsendable(error)
        if not is_named and (failure := retrieval_error(error)):
            raise failure from None
        if invalid and raw is None and _is_not_sent(error):
            credentials, problem = invalid
            raise CredentialRetrievalError(
                provider=credentials.method, error_msg=problem
            ) from error
        # The error of an event handler is not about the response.
        if raw is None or "botocore.hooks" in modules_in_traceback(error):
            return
        reason = secrets.clean_text(repr(error)[:_MAX_REASON])[:200]
        raise ResponseValidationError(self._operation_name, reason, secrets.clean(raw)) from error


def _is_not_sent(error: Exception) -> bool:
    if isinstance(error, BotoCoreError):
        return is_unsendable(error)
    return is_of_library(error)  # from signing
