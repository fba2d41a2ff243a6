"""What an error means to a shell: an exit code, and sentences that say what to do."""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..exceptions import ResponseValidationError

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
    """AWS was not reached, there are no credentials, or nothing at all could be found out."""
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
_SHELL_WORDS = {
    "backup_retention_period": "--backup-retention-period",
    "describe_source_regions()": "the command regions",
    "ensure_stopped()": "stop --missing-ok",
    "kms_key_id": "--kms-key-id",
    "replace=True": "--replace",
    "source_region": "--source-region",
    "wait_until_stopped()": "wait --until stopped",
}
_PYTHON_WORD = re.compile(rf"(?<![\w:/-])({'|'.join(map(re.escape, _SHELL_WORDS))})(?![\w-])")


def in_shell_words(text: str) -> str:
    """What the library says, with the names that things have in a shell."""
    return _PYTHON_WORD.sub(lambda match: _SHELL_WORDS[match[0]], text)


_NOT_RDS = "If what answers there is not RDS: check --endpoint-url and the proxies."
_SETTING = "It is set in the environment or the AWS configuration."
_ENOUGH = 300  # characters of an answer that could only tell something
_GOES_ON = "It goes on at AWS: wait again, or longer, with --timeout."
_NEVER_SEEN = "If it has been started, wait again, or longer, with --timeout."
CREDENTIALS = "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or name a --profile."
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
    from ..exceptions import (
        ReplicationDriftError,
        ResponseValidationError,
        ServiceError,
        WaitTimeoutError,
    )

    if isinstance(error, ResponseValidationError):
        return _explain_answer(error)
    if isinstance(error, ServiceError):
        hint = error.hint and in_shell_words(error.hint)
        return Explanation(ExitCode.REFUSED, f"{error.message} ({error.code})", hint)
    if isinstance(error, ReplicationDriftError):
        return Explanation(ExitCode.DRIFT, in_shell_words(str(error)))
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


def _explain_answer(error: "ResponseValidationError") -> Explanation:
    """What was answered must not get lost, if the operation may have changed something."""
    answer = dict(error.response)
    metadata, body = answer.pop("ResponseMetadata", {}), answer.get("body")
    hint = f"The answer: {answer}"
    if isinstance(body, bytes):  # botocore could not read it either
        shown = body.decode(errors="replace")
        if not error.may_have_taken_effect and len(shown) > _ENOUGH:
            shown = f"{shown[:_ENOUGH]}…"
        hint = f"{_NOT_RDS}\nThe answer, of HTTP status {answer['status_code']}: {shown}"
    elif "RequestId" in metadata:
        hint = f"{hint}\nThe request's ID: {metadata['RequestId']}"
    # What botocore's parser says has the answer in it once more.
    reason = "it is no XML" if "ResponseParserError" in error.reason else error.reason
    message = f"{error.operation_name} was answered, but the answer cannot be read: {reason}."
    if error.may_have_taken_effect:
        message += " It may have taken effect."
    return Explanation(ExitCode.OTHER, message, hint)


def _table() -> tuple[tuple[type[Exception], ExitCode, str | None], ...]:
    """The first that fits counts."""
    from botocore import exceptions as botocore

    from .. import exceptions as ours

    return (
        (ours.RequestValidationError, ExitCode.USAGE, _NAMES),
        (ours.PolicyError, ExitCode.USAGE, None),
        (ours.ReplicationStoppedError, ExitCode.STOPPED, None),
        (botocore.ClientError, ExitCode.REFUSED, None),  # another service's, such as STS's
        (botocore.NoRegionError, ExitCode.USAGE, _REGION),
        (botocore.InvalidRegionError, ExitCode.USAGE, None),
        (botocore.ProfileNotFound, ExitCode.USAGE, None),
        (botocore.ConfigNotFound, ExitCode.USAGE, _SETTING),
        (botocore.ConfigParseError, ExitCode.USAGE, _SETTING),
        (botocore.InvalidConfigError, ExitCode.USAGE, _SETTING),
        (botocore.InvalidDefaultsMode, ExitCode.USAGE, _SETTING),
        (botocore.InvalidRetryConfigurationError, ExitCode.USAGE, _SETTING),
        (botocore.NoCredentialsError, ExitCode.NO_ANSWER, CREDENTIALS),
        (botocore.ConnectionError, ExitCode.NO_ANSWER, _REACH),
        (botocore.HTTPClientError, ExitCode.NO_ANSWER, _REACH),
        (botocore.BotoCoreError, ExitCode.NO_ANSWER, None),
    )
