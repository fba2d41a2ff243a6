"""Options and arguments that several commands share, and the conversion of their values."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, TypeVar

import typer

from ..fleet._durations import parse_duration
from ._errors import ExitCode, Failure
from ._stdio import write_stderr

if TYPE_CHECKING:
    from .._client import BackupReplicationClient
    from .._operations import Operation
    from ..fleet import Access

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.


class Output(str, Enum):
    """How a command prints its result."""

    TABLE = "table"
    JSON = "json"


class PlanOutput(str, Enum):
    """How a plan is printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"


class AuditOutput(str, Enum):
    """How an audit is printed."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    MARKDOWN = "markdown"
    PROMETHEUS = "prometheus"
    EMF = "emf"


class ReadinessOutput(str, Enum):
    """How the readiness of a recovery is printed."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE_DB_INSTANCE_ARN", help="ARN of the source instance.", show_default=False
    ),
]
Retention = Annotated[
    int | None,
    typer.Option(
        "--backup-retention-period",
        metavar="DAYS",
        help="Days to keep the replicated backups, from 1 to 35.",
    ),
]
KmsKey = Annotated[
    str | None,
    typer.Option(
        "--kms-key-id",
        metavar="KEY",
        help="KMS key in the destination Region: its ARN, ID or alias. Required if the source is "
        "encrypted.",
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE",
        help="Tag for the replicated backup. Repeat the option for more tags.",
    ),
]
Timeout = Annotated[
    str, typer.Option(metavar="DURATION", help="Longest time to wait, such as 90s or 2h.")
]
PollInterval = Annotated[str, typer.Option(metavar="DURATION", help="Time between two polls.")]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Do not ask for confirmation. Required if there is no terminal."
    ),
]


def _keep_profile(ctx: typer.Context, profile: str | None) -> str | None:
    """Keep the profile for the hint of an error."""
    ctx.meta["profile"] = profile or os.environ.get("AWS_PROFILE")
    return profile


_Profile = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        callback=_keep_profile,
        help="Profile in the AWS configuration. The default is AWS_PROFILE.",
    ),
]
_EndpointUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Endpoint of RDS, if not AWS's own. The default is AWS_ENDPOINT_URL or the "
        "profile's endpoint.",
    ),
]
OutputFormat = Annotated[
    Output, typer.Option("--output", help="Print a table for people, or JSON for programs.")
]


@dataclass(frozen=True, kw_only=True)
class RegionOptions:
    """The options that all commands for one Region share."""

    region: Annotated[
        str | None,
        typer.Option(
            "--region",  # Typer 0.27 would take the name of the metavar, if the two are alike
            envvar="AWS_REGION",
            metavar="REGION",
            help="Destination Region, which keeps the replicated backups. The default is "
            "AWS_DEFAULT_REGION or the profile's Region.",
        ),
    ] = None
    profile: _Profile = None
    endpoint_url: _EndpointUrl = None
    output: OutputFormat = Output.TABLE

    def make_client(self) -> "BackupReplicationClient":
        """Return a client of the Region."""
        return _make_client(self.region, self.profile, self.endpoint_url)


@dataclass(frozen=True, kw_only=True)
class FleetOptions:
    """The options that all commands for a fleet share; its Regions are in the policy."""

    profile: _Profile = None
    endpoint_url: _EndpointUrl = None
    connect_timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="SECONDS", help="Seconds to wait for a connection; 5 for a scan."
        ),
    ] = None
    read_timeout: Annotated[
        float | None,
        typer.Option(
            min=0.1, metavar="SECONDS", help="Seconds to wait for a response; 10 for a scan."
        ),
    ] = None

    def make_access(self) -> "Access":
        """Return the access to a fleet's accounts.

        An invalid profile or endpoint is reported here once, not later for each account.
        """
        from ..fleet import Access

        _make_client("us-east-1", self.profile, self.endpoint_url)
        return Access(
            profile_name=self.profile,
            endpoint_url=self.endpoint_url,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
        )


@dataclass(frozen=True, kw_only=True)
class ScanOptions(FleetOptions):
    """The options that the commands which scan a fleet share."""

    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Show only this rule's instances. Repeat the option for more rules.",
        ),
    ] = None
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="Show only this account. Repeat the option for more accounts."
        ),
    ] = None
    target: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Show only instances whose identifier or ARN matches, such as 'orders-*'. Repeat "
            "the option for more patterns.",
        ),
    ] = None
    deadline: Annotated[
        str | None,
        typer.Option(
            metavar="DURATION",
            help="Send no more requests after this time, such as 90s or 10m. What is still "
            "missing then is unknown.",
        ),
    ] = None

    def read_deadline(self) -> timedelta | None:
        """Return the deadline as a duration."""
        return None if self.deadline is None else read_longest(self.deadline, "--deadline")


OptionsT = TypeVar("OptionsT", bound=RegionOptions | FleetOptions)


def with_options(
    options: type[OptionsT],
) -> "Callable[[Callable[Concatenate[OptionsT, ...], None]], Callable[..., None]]":
    """Return a decorator that adds the options of a class to a command.

    The command takes an instance of the class as its first argument.
    """
    shared: Mapping[str, Parameter] = signature(options).parameters

    def decorate(command: "Callable[Concatenate[OptionsT, ...], None]") -> Callable[..., None]:
        @wraps(command)
        def run(**values: Any) -> None:
            given = {name: values.pop(name) for name in shared}
            command(options(**given), **values)

        _, *own = signature(command).parameters.values()
        _set_parameters(run, [*own, *shared.values()])
        return run

    return decorate


def _set_parameters(command: Callable[..., None], parameters: Iterable[Parameter]) -> None:
    """Set the parameters that Typer reads from a command's signature."""
    vars(command)["__signature__"] = Signature(list(parameters))


def _print_log(ctx: typer.Context, debug: bool) -> bool:  # noqa: FBT001  # passed by position
    """Print this library's warnings to standard error, and with ``--debug`` its whole log."""
    if not ctx.resilient_parsing:
        import logging

        from ..exceptions import ReplacementError

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                # The command itself prints this error.
                is_printed = any(isinstance(arg, ReplacementError) for arg in record.args or ())
                if debug or not is_printed:
                    write_stderr(f"{self.format(record)}\n")

        ctx.meta["debug"] = debug
        logger = logging.getLogger("rds_backup_replication")
        handler = Handler(logging.DEBUG if debug else logging.WARNING)
        if debug:
            handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        level = logger.level
        logger.addHandler(handler)
        ctx.find_root().call_on_close(lambda: logger.removeHandler(handler))
        if debug:
            logger.setLevel(logging.DEBUG)
            ctx.find_root().call_on_close(lambda: logger.setLevel(level))
    return debug


_DEBUG = Parameter(
    "debug",
    Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool,
        typer.Option(
            "--debug",
            callback=_print_log,
            help="Print the traceback of an error and this library's log to standard error.",
        ),
    ],
)


def with_debug_option(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command with the option ``--debug`` added."""

    @wraps(command)
    def run(**values: Any) -> None:
        del values["debug"]  # _print_log has acted on the value
        command(**values)

    _set_parameters(run, [*signature(command).parameters.values(), _DEBUG])
    return run


def read_tags(texts: list[str] | None) -> list[dict[str, str]] | None:
    """Return tags in boto3's form."""
    if not texts:
        return None
    tags: dict[str, str] = {}
    for text in texts:
        key, sign, value = text.partition("=")
        problem = None
        if of_aws := re.fullmatch(r"Key=([^,]*),Value=(.*)", text):
            problem = f"must be KEY=VALUE, such as {of_aws[1]}={of_aws[2]}."
        elif not (key and sign):
            problem = "must be KEY=VALUE, such as env=prod. The value may be empty, as in env=."
        elif key in tags:
            problem = f"gives the key {key!r} twice."
        if problem:
            raise typer.BadParameter(f"{text!r} {problem}", param_hint="--tags")
        tags[key] = value
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def read_duration(text: str, option: str) -> timedelta:
    """Return the duration that an option's value stands for."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} {error}.", param_hint=option) from error


def read_longest(text: str, option: str) -> timedelta:
    """Return the duration that an option's value stands for, which must not be 0."""
    longest = read_duration(text, option)
    if not longest:
        raise typer.BadParameter("must be longer than 0s.", param_hint=option)
    return longest


def read_time(text: str, option: str) -> datetime:
    """Return the time that an option's value stands for, in ISO 8601."""
    try:
        # Python 3.10 does not accept Z.
        time = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text))
    except ValueError:
        time = None
    if time is None or time.utcoffset() is None:
        message = f"{text!r} must be a time with an offset, such as 2026-01-31T12:00:00Z."
        raise typer.BadParameter(message, param_hint=option)
    return time


def _make_client(
    region: str | None, profile: str | None, endpoint_url: str | None
) -> "BackupReplicationClient":
    from urllib.parse import urlsplit

    from .._botocore.fast_loader import make_fast_session
    from .._client import BackupReplicationClient

    session = None if profile is None else make_fast_session(profile)
    try:
        client = BackupReplicationClient(
            region_name=region, session=session, endpoint_url=endpoint_url
        )
        # botocore reads the port when it sends a request: an invalid one must fail before.
        _ = urlsplit(str(client.client.meta.endpoint_url)).port
    except ValueError as error:
        if type(error) is not ValueError:  # botocore raises plain ValueErrors for these settings
            raise
        message = (
            f"{error}. The endpoint must be a URL such as http://127.0.0.1:5000. "
            "Set it with --endpoint-url, AWS_ENDPOINT_URL or the AWS configuration."
        )
        if "int()" in str(error):
            message = f"AWS_MAX_ATTEMPTS or another setting must be a number: {error}."
        raise Failure(message, ExitCode.USAGE) from error
    return client


def validate(
    client: "BackupReplicationClient",
    operation: "Operation[Any, Any]",
    keywords: Mapping[str, object],
) -> None:
    """Raise the error that a call with these parameters would raise, without sending it."""
    from .._client_base import context_of

    operation.build_request(context_of(client).destination, **keywords)
