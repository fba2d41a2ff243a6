"""Exit codes, and the explanation of an error in a shell's words."""

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

    from ..exceptions import (
        PlanRefusedError,
        RecoveryRefusedError,
        ReplacementError,
        ReplicationBlockedError,
        ReplicationDriftError,
        RequestValidationError,
        ResponseValidationError,
        ServiceError,
        WaitTimeoutError,
    )

# ruff: noqa: PLC0415 - an import is only needed for an error that happens.


class ExitCode(IntEnum):
    """How a command ended. A number keeps its meaning across versions."""

    OK = 0
    """The command succeeded."""
    OTHER = 1
    """Another error occurred, or the user did not confirm."""
    USAGE = 2
    """The command line, a parameter, a setting or a file is invalid. Nothing was sent."""
    REFUSED = 3
    """AWS refused the request."""
    UNREACHABLE = 4
    """AWS was not reached, credentials are missing or invalid, or nothing could be checked."""
    DRIFT = 5
    """A replication is active, but does not have the requested settings."""
    TIMEOUT = 6
    """A wait timed out."""
    STOPPED = 7
    """A replication stopped while the command waited for it."""
    FINDINGS = 8
    """The command reports findings that need attention."""
    INCOMPLETE = 9
    """A part of a plan or recovery was not done, or a replacement failed after its stop."""
    CHANGES = 10
    """The plan has changes, and the command was run with ``--detailed-exitcode``."""
    INTERRUPTED = 130
    """The user pressed Ctrl-C."""


class Failure(Exception):
    """Ends a command with a message and an exit code."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code: ExitCode = code


@dataclass(frozen=True)
class Explanation:
    """The exit code, the message and the hint for an error."""

    code: ExitCode
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


CREDENTIALS_HINT = (
    "Run aws configure or aws sso login, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or pass "
    "--profile."
)
_PARTIAL_CREDENTIALS_HINT = (
    "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, run aws configure, or pass --profile."
)
_SSO_HINT = "Run: aws sso login"
_LOGIN_HINT = "Run: aws login"
_WITH_PROFILE = (_SSO_HINT, _LOGIN_HINT)
_INVALID_CREDENTIALS_HINT = (
    "Check the credentials in the environment or the AWS configuration, or pass another --profile."
)
_REGION_HINT = "Pass the destination Region as --region, or set AWS_REGION."
_PROFILE_HINT = (
    "Check --profile and AWS_PROFILE. To list the profiles, run: aws configure list-profiles"
)
_NETWORK_HINT = "Check --region, --endpoint-url and the network."
_SETTING_HINT = "The setting comes from the environment or the AWS configuration."
_EXPIRED_CODES = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_EXPIRED_HINT = "If the credentials are those of a login, run aws sso login again."
_DEBUG_HINT = "This error is unexpected. Pass --debug to see where it occurred."


def explain(error: Exception, *, profile: str | None = None) -> Explanation:
    """Return the exit code and the message for an error.

    Args:
        error: The error.
        profile: The profile that a hint names where the login belongs to a profile.
    """
    explanation = _explain(error)
    if profile and explanation.hint in _WITH_PROFILE:
        hint = f"{explanation.hint} --profile {shlex.quote(profile)}"
        return replace(explanation, hint=hint)
    return explanation


def _explain(error: Exception) -> Explanation:
    if isinstance(error, Failure):
        return Explanation(error.code, str(error))
    if isinstance(error, ModuleNotFoundError) and (message := explain_missing_extra(error)):
        return Explanation(ExitCode.OTHER, message)
    for kind, explain_kind in _error_kinds():
        if isinstance(error, kind):
            return explain_kind(error)
    return Explanation(ExitCode.OTHER, f"{type(error).__name__}: {error}", _DEBUG_HINT)


def _error_kinds() -> tuple[tuple[type[Exception], Callable[[Any], Explanation]], ...]:
    """Return the kinds of errors, each with the function that explains it; the first match wins."""
    from botocore import exceptions as botocore

    from .. import exceptions as ours

    return (
        (ours.RequestValidationError, _explain_request),
        (ours.OutdatedBoto3Error, _as_is(ExitCode.OTHER)),
        (ours.ResponseValidationError, _explain_response),
        (ours.ServiceError, _explain_refusal),
        (ours.ReplicationDriftError, _explain_drift),
        (ours.ReplicationBlockedError, _explain_blocked),
        (ours.ReplacementError, _explain_replacement),
        (ours.WaitTimeoutError, _explain_timeout),
        (ours.ReplicationStoppedError, _as_is(ExitCode.STOPPED)),
        (ours.PolicyError, _as_is(ExitCode.USAGE)),
        (ours.PlanRefusedError, _explain_refused_run),
        (ours.RecoveryRefusedError, _explain_refused_run),
        (botocore.ClientError, _explain_other_refusal),
        (botocore.NoRegionError, _as_is(ExitCode.USAGE, _REGION_HINT)),
        (botocore.InvalidRegionError, _as_is(ExitCode.USAGE, _REGION_HINT)),
        (botocore.ProfileNotFound, _as_is(ExitCode.USAGE, _PROFILE_HINT)),
        (botocore.ConfigNotFound, _as_is(ExitCode.USAGE, _SETTING_HINT)),
        (botocore.ConfigParseError, _as_is(ExitCode.USAGE, _SETTING_HINT)),
        (botocore.InvalidConfigError, _as_is(ExitCode.USAGE, _SETTING_HINT)),
        (botocore.InvalidDefaultsMode, _as_is(ExitCode.USAGE, _SETTING_HINT)),
        (botocore.InvalidRetryConfigurationError, _as_is(ExitCode.USAGE, _SETTING_HINT)),
        (botocore.NoCredentialsError, _as_is(ExitCode.UNREACHABLE, CREDENTIALS_HINT)),
        (botocore.PartialCredentialsError, _as_is(ExitCode.UNREACHABLE, _PARTIAL_CREDENTIALS_HINT)),
        (botocore.SSOError, _as_is(ExitCode.UNREACHABLE, _SSO_HINT)),
        (botocore.TokenRetrievalError, _as_is(ExitCode.UNREACHABLE, _SSO_HINT)),
        (botocore.LoginError, _as_is(ExitCode.UNREACHABLE, _LOGIN_HINT)),
        (
            botocore.CredentialRetrievalError,
            _as_is(ExitCode.UNREACHABLE, _INVALID_CREDENTIALS_HINT),
        ),
        (botocore.ConnectionError, _as_is(ExitCode.UNREACHABLE, _NETWORK_HINT)),
        (botocore.HTTPClientError, _as_is(ExitCode.UNREACHABLE, _NETWORK_HINT)),
        (botocore.BotoCoreError, _as_is(ExitCode.UNREACHABLE)),
    )


def _as_is(code: ExitCode, hint: str | None = None) -> Callable[[Exception], Explanation]:
    """Return a function that explains an error by its own text."""

    def explain_as_is(error: Exception) -> Explanation:
        message = str(error)
        if hint and re.search(r"[\w)]$", message):  # the hint is a sentence of its own
            message += "."
        return Explanation(code, message, hint)

    return explain_as_is


def _explain_request(error: "RequestValidationError") -> Explanation:
    """Name each invalid value by its option or argument."""
    lines = [
        f"\n  {_option_of(invalid.parameter, error.operation_name)}{_typed_value(invalid.given)} "
        f"{in_shell_words(invalid.message)}"
        for invalid in error.errors
    ]
    message = f"Nothing was sent, because these options or arguments are invalid:{''.join(lines)}"
    return Explanation(ExitCode.USAGE, message)


def _option_of(parameter: str, operation_name: str) -> str:
    """Return the option or argument of a parameter such as ``tags[0].key``."""
    name = re.split(r"[\[.]", parameter)[0]
    if " " in name:  # a setting of an existing backup, not of the command
        return parameter
    if name == "region_name" and operation_name == "DescribeSourceRegions":
        return "--region-name"  # elsewhere, region_name is the client's
    return _SHELL_WORDS.get(name) or f"--{name.replace('_', '-')}"


def _typed_value(given: str) -> str:
    """Return a text or number as the user typed it, or nothing for another value."""
    return f" {given}" if re.match(r"""['"]|-?[0-9]+$""", given) else ""


def _explain_refusal(error: "ServiceError") -> Explanation:
    hint = error.hint and in_shell_words(error.hint)
    if hint and error.code in _EXPIRED_CODES:
        hint = f"{_EXPIRED_HINT} {hint}"
    return Explanation(ExitCode.REFUSED, f"{error.message} ({error.code})", hint)


def _explain_other_refusal(error: "ClientError") -> Explanation:
    """Explain a refusal by another service, such as STS or S3."""
    fault = error.response.get("Error", {})
    code, message = fault.get("Code"), fault.get("Message")
    hint = _EXPIRED_HINT if code in _EXPIRED_CODES else None
    return Explanation(ExitCode.REFUSED, f"{error.operation_name}: {message} ({code})", hint)


def _explain_drift(error: "ReplicationDriftError") -> Explanation:
    return Explanation(ExitCode.DRIFT, in_shell_words(str(error)))


def _explain_blocked(error: "ReplicationBlockedError") -> Explanation:
    return Explanation(ExitCode.FINDINGS, in_shell_words(str(error)))


def _explain_replacement(error: "ReplacementError") -> Explanation:
    """Show the command line that starts the former replication, not the request."""
    message, _, python_remedy = str(error).partition("\nResolve the error")
    if not python_remedy:
        return Explanation(ExitCode.INCOMPLETE, in_shell_words(message))
    former = error.former
    words = ["start", former.source_db_instance_arn]
    if former.backup_retention_period is not None:
        words += ["--backup-retention-period", str(former.backup_retention_period)]
    if former.kms_key_id is not None:
        words += ["--kms-key-id", former.kms_key_id]
    for tag in former.tags or ():
        words += ["--tags", f"{tag.key}={tag.value or ''}"]
    hint = (
        "Resolve the error, and run replace again to resume. To return to the former "
        f"settings, run: {shlex.join(words)}"
    )
    return Explanation(ExitCode.INCOMPLETE, in_shell_words(message), hint)


def _explain_refused_run(error: "PlanRefusedError | RecoveryRefusedError") -> Explanation:
    return Explanation(ExitCode.USAGE, in_shell_words(str(error)))


def _explain_timeout(error: "WaitTimeoutError") -> Explanation:
    hint = "The operation continues at AWS. Wait again, or longer with --timeout."
    if error.last_backup is None:
        hint = "If the replication was started, wait again, or longer with --timeout."
        if isinstance(error.__cause__, Exception):
            return Explanation(ExitCode.TIMEOUT, str(error), explain(error.__cause__).hint)
    return Explanation(ExitCode.TIMEOUT, str(error), hint)


_MAX_BODY = 300  # characters shown of a response body that nobody needs whole


def _explain_response(error: "ResponseValidationError") -> Explanation:
    """Show an unreadable response, whole if the operation may have changed something."""
    response = dict(error.response)
    metadata, body = response.pop("ResponseMetadata", {}), response.get("body")
    hint = f"Response: {json.dumps(response, default=str)}"
    if isinstance(body, bytes):  # botocore could not read the response either
        text = body.decode(errors="replace")
        if not error.may_have_taken_effect and len(text) > _MAX_BODY:
            text = f"{text[:_MAX_BODY]}…"
        hint = (
            "If the server is not RDS, check --endpoint-url and the proxies.\n"
            f"Response with HTTP status {response['status_code']}: {text}"
        )
    elif "RequestId" in metadata:
        hint = f"{hint}\nRequest ID: {metadata['RequestId']}"
    # The message of botocore's ResponseParserError repeats the whole response.
    reason = "the body is not XML" if "ResponseParserError" in error.reason else error.reason
    message = f"The response of {error.operation_name} cannot be read: {reason}."
    if error.may_have_taken_effect:
        message += " The operation may have taken effect."
    return Explanation(ExitCode.OTHER, message, hint)


_SCAN_WORDS = {
    "deadline=": "--deadline",
    "in_recovery_network=True": "--in-recovery-network",
    "the read_timeout of Access": "--read-timeout",
}
_SHELL_WORDS = {
    **_SCAN_WORDS,
    "a timedelta from 0 to 365 days, such as timedelta(hours=2)": (
        "a duration from 0s to 365d, such as 2h"
    ),
    "a timedelta over 0 and up to 365 days, such as timedelta(seconds=30)": (
        "a duration over 0s and up to 365d, such as 30s"
    ),
    "Call replace_replication()": "Run replace",
    "backup_retention_period": "--backup-retention-period",
    "db_instance_automated_backups_arn": "BACKUP_ARN",
    "call ensure_replication()": "run ensure",
    "call ensure_stopped()": "run stop --missing-ok",
    "describe_source_regions()": "the regions command",
    "policy=": "--policy",
    "the Region of this client": "the Region that the command calls",
    "ensure_replication()": "ensure",
    "ensure_stopped()": "stop --missing-ok",
    "Call fleet.resume()": "Pass --resume",
    "drill_cleanup": "recovery drill-cleanup",
    "kms_key_id": "--kms-key-id",
    "max_age=": "--max-age",
    "region_name": "--region",
    "replace_replication()": "replace",
    "restore_time": "--restore-time",
    "source_db_instance_arn": "SOURCE_DB_INSTANCE_ARN",
    "source_db_instance_automated_backups_arn": "ARN",
    "source_region": "--source-region",
    "wait_until_stopped()": "wait --until stopped",
}
"""Names and phrases of the Python library, and the ones that the command line uses instead."""
_PYTHON_WORD = re.compile(
    rf"(?<![\w:/-])({'|'.join(map(re.escape, sorted(_SHELL_WORDS, key=len, reverse=True)))})"
    r"(?![\w-])"
)

_LIMIT = re.compile(r"\bmax_(stops|replacements)=([0-9]+)")


def in_shell_words(text: str) -> str:
    """Return a text of the Python library with the names that the command line uses."""
    text = _LIMIT.sub(r"--max-\1 \2", text)
    for python in (", or None", ", as a string"):
        text = text.replace(python, "")
    return _PYTHON_WORD.sub(lambda match: _SHELL_WORDS[match[0]], text)


def in_scan_words(text: str) -> str:
    """Return a finding with the options of a scan or a drill in place of the keywords.

    Other names in a finding are those of settings in a policy, and stay.
    """
    for python, option in _SCAN_WORDS.items():
        text = text.replace(python, option)
    return text


_EXTRA_OF_MODULE = {
    "annotated_doc": "cli",  # which Typer requires
    "click": "cli",
    "flask": "sandbox",
    "flask_cors": "sandbox",
    "moto": "sandbox",
    "rich": "cli",
    "shellingham": "cli",
    "tomli": "cli",
    "typer": "cli",
    "yaml": "cli",
}


def explain_missing_extra(error: ModuleNotFoundError) -> str | None:
    """Return what to install, or ``None`` if the missing module belongs to no extra."""
    module = (error.name or "").partition(".")[0]
    if module not in _EXTRA_OF_MODULE:
        return None
    package = f"rds-backup-replication[{_EXTRA_OF_MODULE[module]}]"
    return f"The module {module} is missing. Run: pip install '{package}'"
