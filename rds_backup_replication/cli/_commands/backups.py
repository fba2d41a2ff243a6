"""Commands for the backups that a Region keeps."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._errors import ExitCode, Failure
from .._options import Output, RegionOptions, Source, Yes, read_time, validate, with_options
from .._output import (
    backup_fields,
    confirm,
    explain_interruption,
    format_backup_lag,
    note,
    print_backup,
    print_json,
    print_record,
    print_table,
)

if TYPE_CHECKING:
    from ..._client import BackupReplicationClient
    from ..._models import DBInstanceAutomatedBackup

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.


@with_options(RegionOptions)
def list_backups(
    options: RegionOptions,
    *,
    own: Annotated[
        bool, typer.Option("--all", help="Also list backups of the Region's own instances.")
    ] = False,
    db_instance_identifier: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="List only backups of instances with this name."),
    ] = None,
    dbi_resource_id: Annotated[
        str | None,
        typer.Option(metavar="ID", help="List only backups of the instance with this resource ID."),
    ] = None,
) -> None:
    """List the replicated backups in the destination Region.

    LAG is how much recent data you would lose in a disaster now.
    """
    client = options.make_client()
    listed = client.describe_db_instance_automated_backups(
        db_instance_identifier=db_instance_identifier, dbi_resource_id=dbi_resource_id
    )
    backups = [backup for backup in listed if own or backup.region != client.region_name]
    if options.output is Output.JSON:
        print_json([backup_fields(backup) for backup in backups])
    elif backups:
        print_table(("STATUS", "LAG", "DAYS", "SOURCE"), [_list_row(backup) for backup in backups])
    else:
        note(f"No replicated backups in {client.region_name}.")


def _list_row(backup: "DBInstanceAutomatedBackup") -> tuple[str, str, str, str]:
    days = backup.backup_retention_period
    return (
        str(backup.status or "-").lower(),
        format_backup_lag(backup) or "-",
        "-" if days is None else str(days),
        backup.db_instance_arn or backup.db_instance_automated_backups_arn or "-",
    )


@with_options(RegionOptions)
def show(
    options: RegionOptions,
    *,
    source: Source,
) -> None:
    """Show an instance's replicated backup.

    The command shows the active backup, or if there is none, the newest retained one.
    """
    client = options.make_client()
    backup = client.find_replicated_backup(source_db_instance_arn=source)
    print_backup(backup, options.output)
    if backup is None:
        note(_no_backup(source, client))
        raise typer.Exit(ExitCode.FINDINGS)


@with_options(RegionOptions)
def restore(
    options: RegionOptions,
    *,
    arn: Annotated[
        str,
        typer.Argument(
            metavar="ARN", help="ARN of the replicated backup or of its source instance."
        ),
    ],
    target_db_instance_identifier: Annotated[
        str, typer.Option(metavar="NAME", help="Name of the new instance.")
    ],
    restore_time: Annotated[
        str | None,
        typer.Option(
            metavar="TIME",
            help="Time to restore to, in ISO 8601 with an offset: 2026-01-31T12:00:00Z.",
        ),
    ] = None,
    use_latest_restorable_time: Annotated[
        bool,
        typer.Option("--use-latest-restorable-time", help="Restore to the latest restorable time."),
    ] = False,
    db_instance_class: Annotated[
        str | None, typer.Option(metavar="CLASS", help="Instance class, such as db.t3.micro.")
    ] = None,
    db_subnet_group_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="DB subnet group. If omitted, RDS uses the default group."
        ),
    ] = None,
    vpc_security_group_ids: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ID", help="ID of a security group. Repeat the option for more groups."
        ),
    ] = None,
    multi_az: Annotated[
        bool | None,
        typer.Option(
            "--multi-az/--no-multi-az",
            help="Whether to create a standby in another Availability Zone.",
        ),
    ] = None,
    publicly_accessible: Annotated[
        bool | None,
        typer.Option(
            "--publicly-accessible/--no-publicly-accessible",
            help="Whether the instance is reachable from outside its VPC.",
        ),
    ] = None,
    deletion_protection: Annotated[
        bool | None,
        typer.Option(
            "--deletion-protection/--no-deletion-protection",
            help="Whether RDS refuses to delete the instance.",
        ),
    ] = None,
) -> None:
    """Create an instance from a replicated backup.

    Pass either --restore-time or --use-latest-restorable-time. The Python client also accepts
    the RDS parameters that have no option here.
    """
    from ..._restore import RESTORE

    settings: dict[str, Any] = {
        "restore_time": restore_time and read_time(restore_time, "--restore-time"),
        "use_latest_restorable_time": use_latest_restorable_time or None,
        "db_instance_class": db_instance_class,
        "db_subnet_group_name": db_subnet_group_name,
        "vpc_security_group_ids": vpc_security_group_ids or None,
        "multi_az": multi_az,
        "publicly_accessible": publicly_accessible,
        "deletion_protection": deletion_protection,
    }
    client = options.make_client()
    is_source = ":db:" in arn
    keywords: dict[str, Any] = {
        "source_db_instance_automated_backups_arn": _placeholder_arn(client) if is_source else arn,
        "target_db_instance_identifier": target_db_instance_identifier,
        **{name: value for name, value in settings.items() if value is not None},
    }
    validate(client, RESTORE, keywords)
    if is_source:
        keywords["source_db_instance_automated_backups_arn"] = _find_backup_arn(client, arn)
    name = target_db_instance_identifier
    may_exist = f"The restore may have taken effect: RDS may be creating the instance {name}."
    with explain_interruption(may_exist):
        instance = client.restore_db_instance_to_point_in_time(**keywords)
    if options.output is Output.JSON:
        print_json(instance)
    else:
        print_record(
            [
                ("Instance", instance.db_instance_arn),
                ("Status", instance.db_instance_status),
                ("Class", instance.db_instance_class),
            ]
        )


def _placeholder_arn(client: "BackupReplicationClient") -> str:
    """Return a valid ARN to validate the other values with, before the real ARN is known."""
    prefix = f"{client.client.meta.partition}:rds:{client.region_name}"
    return f"arn:{prefix}:000000000000:auto-backup:ab-unknown"


def _find_backup_arn(client: "BackupReplicationClient", source_arn: str) -> str:
    """Return the ARN of a source's replicated backup."""
    backup = client.find_replicated_backup(source_db_instance_arn=source_arn)
    if backup is None or backup.db_instance_automated_backups_arn is None:
        raise Failure(_no_backup(source_arn, client), ExitCode.FINDINGS)
    return backup.db_instance_automated_backups_arn


def _no_backup(source_arn: str, client: "BackupReplicationClient") -> str:
    return f"{client.region_name} keeps no replicated backup of {source_arn}."


@with_options(RegionOptions)
def delete(
    options: RegionOptions,
    *,
    arns: Annotated[
        list[str],
        typer.Argument(metavar="BACKUP_ARN", help="ARNs of retained backups.", show_default=False),
    ],
    yes: Yes = False,
) -> None:
    """Delete retained backups permanently, one after another.

    The command stops at the first refusal and prints the backups that were deleted.
    """
    from ..._operations import DELETE

    client = options.make_client()
    for arn in arns:  # all of them, before the first is deleted
        validate(client, DELETE, {"db_instance_automated_backups_arn": arn})
    confirm(f"Permanently delete {', '.join(arns)}?", yes=yes)
    deleted: list[DBInstanceAutomatedBackup] = []
    try:
        for arn in arns:
            with explain_interruption(f"The deletion of {arn} may have taken effect."):
                backup = client.delete_db_instance_automated_backup(
                    db_instance_automated_backups_arn=arn
                )
            deleted.append(backup)  # one at a time, to print those before a refusal
    finally:
        if deleted and options.output is Output.JSON:
            print_json([backup_fields(backup) for backup in deleted])
        elif deleted:
            rows = [
                (str(backup.status).lower(), backup.db_instance_automated_backups_arn or "-")
                for backup in deleted
            ]
            print_table(("STATUS", "BACKUP"), rows)


@with_options(RegionOptions)
def regions(
    options: RegionOptions,
    *,
    region_name: Annotated[
        str | None,
        typer.Option(
            metavar="REGION",
            help="Check only this source Region. Set the destination with --region.",
        ),
    ] = None,
) -> None:
    """List the source Regions of a destination Region."""
    client = options.make_client()
    sources = [
        source
        for source in client.describe_source_regions(region_name=region_name)
        if source.supports_db_instance_automated_backups_replication is not False
    ]
    if options.output is Output.JSON:
        print_json(sources)
    elif sources:
        rows = [(source.status or "-", source.region_name or "-") for source in sources]
        print_table(("STATUS", "REGION"), rows)
    else:
        note(f"{client.region_name} does not support {region_name or 'any Region'} as a source.")
