"""The commands for one instance's replication: each calls a method of the client, and prints."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._errors import ExitCode
from .._options import (
    Debug,
    EndpointUrl,
    KmsKey,
    Output,
    OutputFormat,
    Profile,
    Region,
    Retention,
    Source,
    Tags,
    Yes,
    duration,
    make_client,
    tag_list,
    validate,
)
from .._output import (
    confirm,
    note,
    print_backup,
    print_json,
    print_table,
    progress,
)

if TYPE_CHECKING:
    from ..._models import DBInstanceAutomatedBackup

# ruff: noqa: PLC0415 - help and version come without what only a call needs.

_QUESTIONS = 3  # that a check asks


class Goal(str, Enum):
    """What to wait for."""

    REPLICATING = "replicating"
    STOPPED = "stopped"


def start(
    *,
    source: Source,
    backup_retention_period: Retention = None,
    kms_key_id: KmsKey = None,
    tags: Tags = None,
    source_region: Annotated[
        str | None,
        typer.Option(
            help="Region of the source, to have the request to it signed beforehand. In GovCloud "
            "this is done by itself; elsewhere RDS does not need it."
        ),
    ] = None,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """Start to replicate an instance's automated backups.

    It returns at once: nothing can be restored before the backup is replicating. If it may be
    running already, use ensure.
    """
    client = make_client(region, profile, endpoint_url)
    backup = client.start_db_instance_automated_backups_replication(
        source_db_instance_arn=source,
        backup_retention_period=backup_retention_period,
        kms_key_id=kms_key_id,
        tags=tag_list(tags),
        source_region=source_region,
    )
    print_backup(backup, output)


def ensure(
    *,
    source: Source,
    backup_retention_period: Retention = None,
    kms_key_id: KmsKey = None,
    tags: Tags = None,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Stop a replication that has another retention or key, and start it anew, which "
            "may take many minutes.",
        ),
    ] = False,
    yes: Yes = False,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """Make an instance's automated backups replicate as asked.

    It starts what does not replicate, and may be called again and again. A replication with
    another retention or key is an error, unless it may be replaced.
    """
    from ..._operations import START

    client = make_client(region, profile, endpoint_url)
    wanted: dict[str, Any] = {
        "source_db_instance_arn": source,
        "backup_retention_period": backup_retention_period,
        "kms_key_id": kms_key_id,
        "tags": tag_list(tags),
    }
    if replace:
        validate(client, START, wanted)
        confirm(f"Replace the replication of {source}, if it is not as asked?", yes=yes)
    with progress(f"Ensuring that {source} replicates", lines=False):
        result = client.ensure_replication(**wanted, replace=replace)
    if output is Output.JSON:
        print_json(result)
    else:
        print_backup(result.backup, output, result.action)


def stop(
    *,
    source: Source,
    missing_ok: Annotated[
        bool, typer.Option("--missing-ok", help="Succeed, too, if nothing replicates.")
    ] = False,
    yes: Yes = False,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """End the replication of an instance's automated backups.

    What was replicated stays, retained, until it expires. It returns at once.
    """
    from ..._operations import STOP

    client = make_client(region, profile, endpoint_url)
    validate(client, STOP, {"source_db_instance_arn": source})
    confirm(f"Stop the replication of {source} to {client.region_name}?", yes=yes)
    if missing_ok:
        stopped = client.ensure_stopped(source_db_instance_arn=source)
        if stopped is None:
            note(f"Nothing of {source} replicates to {client.region_name}.")
    else:
        stopped = client.stop_db_instance_automated_backups_replication(
            source_db_instance_arn=source
        )
    print_backup(stopped, output)


def wait(
    *,
    source: Source,
    until: Annotated[Goal, typer.Option(help="What to wait for.")] = Goal.REPLICATING,
    timeout: Annotated[
        str, typer.Option(metavar="DURATION", help="How long to wait at most, such as 90s or 2h.")
    ] = "75m",
    poll_interval: Annotated[
        str, typer.Option(metavar="DURATION", help="Time between two looks.")
    ] = "30s",
    region: Region = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """Wait until a replication has come about, or has ended."""
    longest, pause = duration(timeout, "--timeout"), duration(poll_interval, "--poll-interval")
    client = make_client(region, profile, endpoint_url)
    method = (
        client.wait_until_replicating if until is Goal.REPLICATING else client.wait_until_stopped
    )
    with progress(f"Waiting until {source} is {until.value}") as shown:

        def show(backup: "DBInstanceAutomatedBackup | None") -> None:
            seen = f"it is {str(backup.status).lower()}" if backup else "nothing is to be seen"
            shown.update(f"Waiting until it is {until.value}: {seen}")

        backup = method(
            source_db_instance_arn=source, timeout=longest, poll_interval=pause, on_poll=show
        )
    if backup is None:
        note(f"It has stopped, and nothing is left in {client.region_name}.")
    print_backup(backup, output)


def check(
    *,
    source: Source,
    kms_key_id: KmsKey = None,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """Find every reason why a start would be refused.

    It changes nothing.
    """
    client = make_client(region, profile, endpoint_url)
    reasons = client.check_replication(source_db_instance_arn=source, kms_key_id=kms_key_id)
    if output is Output.JSON:
        print_json(reasons)
    elif reasons:
        rows = [(reason.code, f"{reason.message} {reason.remedy}") for reason in reasons]
        print_table(("REASON", "WHAT IS SO, AND WHAT TO DO"), rows)
    else:
        note("Nothing speaks against a start.")
    if [reason.code for reason in reasons] == ["could_not_be_checked"] * _QUESTIONS:
        raise typer.Exit(ExitCode.NO_ANSWER)
    if reasons:
        raise typer.Exit(ExitCode.FINDINGS)
