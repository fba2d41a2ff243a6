"""Options that several commands have, and how their texts are read."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._durations import parse_duration
from ._errors import ExitCode, Failure
from ._stdio import tell

if TYPE_CHECKING:
    from .._client import BackupReplicationClient
    from .._operations import Operation

# ruff: noqa: PLC0415 - help and version come without what only a call needs.


class Output(str, Enum):
    """How a result is printed."""

    TABLE = "table"
    JSON = "json"


def _enable_debug(ctx: typer.Context, value: bool) -> bool:  # noqa: FBT001  # as Typer calls it
    if value and not ctx.resilient_parsing:
        import logging

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                tell(f"{self.format(record)}\n")

        ctx.meta["debug"] = True
        logger = logging.getLogger("rds_backup_replication")
        handler = Handler()
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        ctx.find_root().call_on_close(lambda: logger.removeHandler(handler))
        ctx.find_root().call_on_close(lambda: logger.setLevel(level))
    return value


Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE_DB_INSTANCE_ARN", help="ARN of the source instance.", show_default=False
    ),
]
Region = Annotated[
    str | None,
    typer.Option(
        envvar="AWS_REGION",
        help="Destination Region, the one that keeps the replicated backups. If omitted, "
        "AWS_DEFAULT_REGION or the profile says it.",
    ),
]
Profile = Annotated[
    str | None,
    typer.Option(help="Profile of the AWS configuration. If omitted, AWS_PROFILE says it."),
]
EndpointUrl = Annotated[
    str | None,
    typer.Option(
        help="Where RDS is, if not at AWS. If omitted, AWS_ENDPOINT_URL or the profile says it."
    ),
]
OutputFormat = Annotated[
    Output, typer.Option("--output", help="Print a table for people, or JSON for programs.")
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug",
        callback=_enable_debug,
        help="Show the traceback of an error, and this library's log, on standard error.",
    ),
]
Yes = Annotated[
    bool,
    typer.Option(
        "--yes", "-y", help="Do not ask for confirmation. Needed where there is no terminal."
    ),
]
KmsKey = Annotated[
    str | None,
    typer.Option(
        "--kms-key-id",
        help="KMS key in the destination Region: its ARN, ID or alias. Needed if the source is "
        "encrypted.",
    ),
]
Retention = Annotated[
    int | None,
    typer.Option(
        "--backup-retention-period", help="Days to keep the replicated backups, from 1 to 35."
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE", help="A tag for the replicated backup. Repeat it for more tags."
    ),
]


def tag_list(tags: list[str] | None) -> list[dict[str, str]] | None:
    """Boto3's form of what was given; a tag without ``=`` has no value."""
    if not tags:
        return None
    parts = [text.partition("=") for text in tags]
    keys = [key for key, _, _ in parts]
    for key in keys:
        if keys.count(key) > 1:
            raise typer.BadParameter(f"{key!r} is given twice.", param_hint="--tags")
    return [{"Key": key, "Value": value} if sign else {"Key": key} for key, sign, value in parts]


def duration(text: str, option: str) -> timedelta:
    """Return the duration that an option gives."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} {error}.", param_hint=option) from error


def moment(text: str, option: str) -> datetime:
    """Reads ISO 8601."""
    try:
        # Python 3.10 does not know Z.
        read = datetime.fromisoformat(re.sub(r"[Zz]$", "+00:00", text))
    except ValueError:
        read = None
    if read is None or read.utcoffset() is None:
        raise typer.BadParameter(
            f"{text!r} must be a time with an offset, like 2026-01-31T12:00:00Z.",
            param_hint=option,
        )
    return read


def make_client(
    region: str | None, profile: str | None, endpoint_url: str | None
) -> "BackupReplicationClient":
    """The client of a command."""
    from urllib.parse import urlsplit

    from .._botocore.client_factory import quick_session
    from .._client import BackupReplicationClient

    session = None if profile is None else quick_session(profile)
    try:
        client = BackupReplicationClient(
            region_name=region, session=session, endpoint_url=endpoint_url
        )
        _ = urlsplit(str(client.client.meta.endpoint_url)).port  # botocore reads it to send
    except ValueError as error:  # botocore's own are of no other type
        if type(error) is not ValueError:
            raise
        message = f"{error}. It must be a URL like http://127.0.0.1:5000. {_ENDPOINT}"
        if "int()" in str(error):
            message = f"AWS_MAX_ATTEMPTS, or another setting, must be a number: {error}."
        raise Failure(message, ExitCode.USAGE) from error
    return client


_ENDPOINT = "It is set by --endpoint-url, AWS_ENDPOINT_URL or the AWS configuration."


def validate(
    client: "BackupReplicationClient",
    operation: "Operation[Any, Any]",
    keywords: Mapping[str, object],
) -> None:
    """Raises what a call would, if it is wrong, before anything is asked or done."""
    operation.validate(client._destination, keywords)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
