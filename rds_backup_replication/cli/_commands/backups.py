"""The commands for what a Region keeps: each calls a method of the client, and prints."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._errors import ExitCode, Failure
from .._options import (
    Debug,
    EndpointUrl,
    Output,
    OutputFormat,
    Profile,
    Region,
    Source,
    Yes,
    make_client,
    moment,
    validate,
)
from .._output import (
    confirm,
    lag_of,
    note,
    print_backup,
    print_json,
    print_record,
    print_table,
)

if TYPE_CHECKING:
    from ..._client import BackupReplicationClient
    from ..._models import DBInstanceAutomatedBackup

# ruff: noqa: PLC0415 - help and version come without what only a call needs.


def list_backups(
    *,
    own: Annotated[
        bool, typer.Option("--all", help="List backups of the Region's own instances, too.")
    ] = False,
    db_instance_identifier: Annotated[
        str | None, typer.Option(help="Only backups of instances of this name.")
    ] = None,
    dbi_resource_id: Annotated[
        str | None, typer.Option(help="Only backups of the instance with this resource ID.")
    ] = None,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """List the replicated backups that the Region keeps.

    Lag is how much data a disaster now would lose.
    """
    client = make_client(region, profile, endpoint_url)
    listed = client.describe_db_instance_automated_backups(
        db_instance_identifier=db_instance_identifier, dbi_resource_id=dbi_resource_id
    )
    backups = [backup for backup in listed if own or backup.region != client.region_name]
    if output is Output.JSON:
        print_json(backups)
    elif backups:
        print_table(("STATUS", "LAG", "DAYS", "SOURCE"), [_row(backup) for backup in backups])
    else:
        note(f"No replicated backups in {client.region_name}.")


def _row(backup: "DBInstanceAutomatedBackup") -> tuple[str, str, str, str]:
    days = backup.backup_retention_period
    return (
        str(backup.status or "-").lower(),
        lag_of(backup) or "-",
        "-" if days is None else str(days),
        backup.db_instance_arn or backup.db_instance_automated_backups_arn or "-",
    )


def show(
    *,
    source: Source,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """Show what the Region keeps of an instance's backups.

    That is the live backup, or if there is none, the newest retained one.
    """
    client = make_client(region, profile, endpoint_url)
    backup = client.find_replicated_backup(source_db_instance_arn=source)
    print_backup(backup, output)
    if backup is None:
        note(f"Nothing of {source} is kept in {client.region_name}.")
        raise typer.Exit(ExitCode.FINDINGS)


def restore(
    *,
    arn: Annotated[
        str,
        typer.Argument(
            metavar="ARN", help="ARN of the replicated backup, or of its source instance."
        ),
    ],
    target_db_instance_identifier: Annotated[str, typer.Option(help="Name of the new instance.")],
    restore_time: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="The moment to restore, in ISO 8601 with an offset: 2026-01-31T12:00:00Z.",
        ),
    ] = None,
    use_latest_restorable_time: Annotated[
        bool,
        typer.Option("--use-latest-restorable-time", help="Restore the latest moment there is."),
    ] = False,
    db_instance_class: Annotated[
        str | None, typer.Option(help="Instance class, such as db.t3.micro.")
    ] = None,
    db_subnet_group_name: Annotated[
        str | None, typer.Option(help="DB subnet group; the default one if omitted.")
    ] = None,
    vpc_security_group_ids: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A security group. Repeat it for more groups."),
    ] = None,
    multi_az: Annotated[
        bool | None,
        typer.Option("--multi-az/--no-multi-az", help="Whether to have a standby in another zone."),
    ] = None,
    publicly_accessible: Annotated[
        bool | None,
        typer.Option(
            "--publicly-accessible/--no-publicly-accessible",
            help="Whether it can be reached from outside its VPC.",
        ),
    ] = None,
    deletion_protection: Annotated[
        bool | None,
        typer.Option(
            "--deletion-protection/--no-deletion-protection",
            help="Whether it is protected from being deleted.",
        ),
    ] = None,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """Make a new instance in the Region from a replicated backup.

    Say which moment to restore: a time, or the latest one. Parameters of RDS that have no option
    here are for Python.
    """
    from ..._restore import RESTORE

    options: dict[str, Any] = {
        "restore_time": restore_time and moment(restore_time, "--restore-time"),
        "use_latest_restorable_time": use_latest_restorable_time or None,
        "db_instance_class": db_instance_class,
        "db_subnet_group_name": db_subnet_group_name,
        "vpc_security_group_ids": vpc_security_group_ids or None,
        "multi_az": multi_az,
        "publicly_accessible": publicly_accessible,
        "deletion_protection": deletion_protection,
    }
    client = make_client(region, profile, endpoint_url)
    is_source = ":db:" in arn
    wanted: dict[str, Any] = {
        "source_db_instance_automated_backups_arn": _stand_in(client) if is_source else arn,
        "target_db_instance_identifier": target_db_instance_identifier,
        **{name: value for name, value in options.items() if value is not None},
    }
    validate(client, RESTORE, wanted)
    if is_source:
        wanted["source_db_instance_automated_backups_arn"] = _backup_arn(client, arn)
    instance = client.restore_db_instance_to_point_in_time(**wanted)
    if output is Output.JSON:
        print_json(instance)
    else:
        print_record(
            [
                ("Instance", instance.db_instance_arn),
                ("Status", instance.db_instance_status),
                ("Class", instance.db_instance_class),
            ]
        )


def _stand_in(client: "BackupReplicationClient") -> str:
    """For a backup whose ARN has to be looked up, while all else is checked."""
    where = f"{client.client.meta.partition}:rds:{client.region_name}"
    return f"arn:{where}:000000000000:auto-backup:ab-unknown"


def _backup_arn(client: "BackupReplicationClient", source_arn: str) -> str:
    """The ARN of what is kept of a source's backups."""
    backup = client.find_replicated_backup(source_db_instance_arn=source_arn)
    if backup is None or backup.db_instance_automated_backups_arn is None:
        message = f"Nothing of {source_arn} is kept in {client.region_name}."
        raise Failure(message, ExitCode.FINDINGS)
    return backup.db_instance_automated_backups_arn


def delete(
    *,
    arns: Annotated[
        list[str],
        typer.Argument(metavar="BACKUP_ARN", help="ARNs of retained backups.", show_default=False),
    ],
    yes: Yes = False,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """Delete retained backups for good, one after the other.

    The first refusal ends it; what was deleted before is printed.
    """
    from ..._operations import DELETE

    client = make_client(region, profile, endpoint_url)
    for arn in arns:  # before the first is deleted
        validate(client, DELETE, {"db_instance_automated_backups_arn": arn})
    confirm(f"Delete {', '.join(arns)} for good?", yes=yes)
    deleted: list[DBInstanceAutomatedBackup] = []
    try:
        for arn in arns:
            backup = client.delete_db_instance_automated_backup(
                db_instance_automated_backups_arn=arn
            )
            deleted.append(backup)  # one by one: those before a refusal are printed
    finally:
        if deleted and output is Output.JSON:
            print_json(deleted)
        elif deleted:
            rows = [
                (str(backup.status).lower(), backup.db_instance_automated_backups_arn or "-")
                for backup in deleted
            ]
            print_table(("STATUS", "BACKUP"), rows)


def regions(
    *,
    region_name: Annotated[
        str | None, typer.Option(help="Only this source Region; --region is the destination.")
    ] = None,
    region: Region = None,
    profile: Profile = None,
    endpoint_url: EndpointUrl = None,
    output: OutputFormat = Output.TABLE,
    debug: Debug = False,
) -> None:
    """List the Regions that this one can take backups from."""
    client = make_client(region, profile, endpoint_url)
    sources = [
        source
        for source in client.describe_source_regions(region_name=region_name)
        if source.supports_db_instance_automated_backups_replication is not False
    ]
    if output is Output.JSON:
        print_json(sources)
    elif sources:
        rows = [(source.status or "-", source.region_name or "-") for source in sources]
        print_table(("STATUS", "REGION"), rows)
    else:
        note(f"{client.region_name} takes no backups from there.")
