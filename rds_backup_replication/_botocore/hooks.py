"""The event handlers of a boto3 client and its errors, only within this library's own calls."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from traceback import walk_tb
from typing import Any
from weakref import WeakSet

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError
from botocore.hooks import BaseEventHooks

from .._credentials import read_credentials
from .._redact import hide_secrets, is_of_library
from ..exceptions import ResponseValidationError
from .credential_errors import retrieval_error
from .errors import is_unsendable, service_error
from .fast_parser import FastParser

# The response that botocore is parsing. Empty: none; unset: not within a call of this library.
_raw_response: ContextVar[Mapping[str, Any] | None] = ContextVar("raw_response", default=None)
_NO_RESPONSE: Mapping[str, Any] = {}

# How the attempts at the current call failed.
_failures: ContextVar[list[Exception] | None] = ContextVar("failures", default=None)
# Registering a handler takes a tenth of a call's time.
_recording: WeakSet[BaseClient] = WeakSet()


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


@contextmanager
def keep_raw_response() -> Generator[None, None, None]:
    """Keep each response within the block for as long as botocore parses it."""
    token = _raw_response.set(_NO_RESPONSE)
    try:
        yield
    finally:
        _raw_response.reset(token)


def unparsed_response() -> dict[str, Any] | None:
    """Return the response that botocore is parsing or failed to parse, if there is one."""
    raw = _raw_response.get()
    if not raw:
        return None
    return {"status_code": raw["status_code"], "headers": dict(raw["headers"]), "body": raw["body"]}


@contextmanager
def record_failed_attempts(client: BaseClient) -> Generator[list[Exception], None, None]:
    """Collect the error of each failed attempt, also of those that botocore retries."""
    if client not in _recording:
        # First, because a later handler of botocore may raise.
        client.meta.events.register_first(
            "needs-retry.rds", _attempt_ended, unique_id="rds-backup-replication-attempts"
        )
        _recording.add(client)
    failures: list[Exception] = []
    token = _failures.set(failures)
    try:
        yield failures
    finally:
        _failures.reset(token)


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


@contextmanager
def translate_errors(client: BaseClient, operation_name: str) -> Generator[None, None, None]:
    """Raise this library's exceptions in place of botocore's, where RDS responded."""
    used = read_credentials(client)  # another thread may refresh them during the call
    with keep_raw_response():
        try:
            yield
        # A parser may fail with any type of error. Errors from elsewhere pass through.
        except Exception as error:
            modules = [frame.f_globals["__name__"] for frame, _ in walk_tb(error.__traceback__)]
            secrets = hide_secrets(error, [used])
            raw = unparsed_response()
            if isinstance(error, ClientError):
                if error.operation_name != operation_name:  # another service, such as STS, refused
                    raise
                raise service_error(error, secrets.invalid_credentials()) from error
            if failure := retrieval_error(error):
                raise failure from None
            invalid = secrets.invalid_credentials()
            if invalid and raw is None and _is_not_sent(error):
                credentials, problem = invalid
                raise CredentialRetrievalError(
                    provider=credentials.method, error_msg=problem
                ) from error
            if raw is None or "botocore.hooks" in modules:  # an event handler raised it
                raise
            reason = f"{secrets.clean_text(repr(error)):.200}"
            raise ResponseValidationError(operation_name, reason, secrets.clean(raw)) from error


def _is_not_sent(error: Exception) -> bool:
    if isinstance(error, BotoCoreError):
        return is_unsendable(error)
    return is_of_library(error)  # from signing
