"""What an error means to a shell: an exit code, and sentences that say what to do."""

from dataclasses import dataclass
from enum import IntEnum

# ruff: noqa: PLC0415 - nothing is imported for errors that do not happen.


class ExitCode(IntEnum):
    """How a command ended; a number keeps its meaning across versions."""

    OK = 0
    """All is as asked."""
    OTHER = 1
    """Something else failed, or the question was answered with no."""
    USAGE = 2
    """The command line, a parameter or a file is wrong; nothing was sent."""
    REFUSED = 3
    """AWS refused."""
    NO_ANSWER = 4
    """AWS was not reached, or there are no credentials."""
    DRIFT = 5
    """It replicates, but not as asked."""
    TIMEOUT = 6
    """What was waited for did not come about in time."""
    STOPPED = 7
    """The replication that was waited for has ended."""
    FINDINGS = 8
    """It was looked, and what was seen wants attention."""
    INCOMPLETE = 9
    """Not all of a plan was done."""
    INTERRUPTED = 130
    """Ctrl-C."""


class Failure(Exception):
    """Ends a command with a sentence and a code."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code: ExitCode = code


@dataclass(frozen=True)
class Explanation:
    """What is told of an error."""

    code: ExitCode
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


_EXTRAS = {
    "annotated_doc": "cli",  # Typer's own
    "click": "cli",
    "flask": "sandbox",
    "flask_cors": "sandbox",
    "moto": "sandbox",
    "rich": "cli",
    "shellingham": "cli",
    "typer": "cli",
    "yaml": "cli",
}


def missing_extra(error: ModuleNotFoundError) -> str | None:
    """What to install, if what is missing belongs to an extra."""
    module = (error.name or "").partition(".")[0]
    if module not in _EXTRAS:
        return None
    package = f"rds-backup-replication[{_EXTRAS[module]}]"
    return f"{module} is missing: pip install '{package}'"


_NAMES = (
    "Here, region_name is --region, and any other parameter the option or argument of its name."
)
_DRIFT = (
    "Here, replace=True is --replace, ensure_stopped() is stop --missing-ok, and "
    "wait_until_stopped() is wait --until stopped."
)
_GOES_ON = "It goes on at AWS: wait again, or longer, with --timeout."
_NEVER_SEEN = "If it has been started, wait again, or longer, with --timeout."
_CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a --profile."
_REGION = "Name the destination Region: --region, or AWS_REGION."
_REACH = "Check --region, --endpoint-url and the network."


def explain(error: Exception) -> Explanation:
    """What an error means to a shell."""
    if isinstance(error, Failure):
        return Explanation(error.code, str(error))
    if isinstance(error, ModuleNotFoundError) and (message := missing_extra(error)):
        return Explanation(ExitCode.OTHER, message)
    return _explain_call(error)


def _explain_call(error: Exception) -> Explanation:
    """What came out of a method of the library."""
    from botocore.exceptions import ClientError

    from ..exceptions import ResponseValidationError, ServiceError, WaitTimeoutError

    if isinstance(error, ResponseValidationError):  # the answer must not get lost
        return Explanation(ExitCode.OTHER, str(error), f"The answer: {dict(error.response)}")
    if isinstance(error, ServiceError):
        return Explanation(ExitCode.REFUSED, f"{error.message} ({error.code})", error.hint)
    if isinstance(error, ClientError):  # another service's, such as STS's
        return Explanation(ExitCode.REFUSED, str(error))
    if isinstance(error, WaitTimeoutError):
        hint = _GOES_ON if error.last_backup else _NEVER_SEEN
        if error.last_backup is None and isinstance(error.__cause__, Exception):
            hint = _explain_call(error.__cause__).hint
        return Explanation(ExitCode.TIMEOUT, str(error), hint)
    for kind, code, hint in _table():
        if isinstance(error, kind):
            return Explanation(code, str(error), hint)
    return Explanation(
        ExitCode.OTHER,
        f"{type(error).__name__}: {error}",
        "This was not foreseen; --debug shows where it happened.",
    )


def _table() -> tuple[tuple[type[Exception], ExitCode, str | None], ...]:
    """The first that fits counts."""
    from botocore import exceptions as botocore

    from .. import exceptions as ours

    return (
        (ours.RequestValidationError, ExitCode.USAGE, _NAMES),
        (ours.PolicyError, ExitCode.USAGE, None),
        (ours.ReplicationDriftError, ExitCode.DRIFT, _DRIFT),
        (ours.ReplicationStoppedError, ExitCode.STOPPED, None),
        (botocore.NoRegionError, ExitCode.USAGE, _REGION),
        (botocore.InvalidRegionError, ExitCode.USAGE, None),
        (botocore.ProfileNotFound, ExitCode.USAGE, None),
        (botocore.NoCredentialsError, ExitCode.NO_ANSWER, _CREDENTIALS),
        (botocore.ConnectionError, ExitCode.NO_ANSWER, _REACH),
        (botocore.HTTPClientError, ExitCode.NO_ANSWER, _REACH),
        (botocore.BotoCoreError, ExitCode.NO_ANSWER, None),
    )
