"""Commands for the replication of one instance."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .._errors import ExitCode
from .._options import (
    KmsKey,
    Output,
    PollInterval,
    RegionOptions,
    Retention,
    Source,
    Tags,
    Timeout,
    Yes,
    read_duration,
    read_tags,
    validate,
    with_options,
)
from .._output import (
    backup_fields,
    confirm,
    explain_interruption,
    note,
    print_backup,
    print_json,
    print_table,
    progress,
)

if TYPE_CHECKING:
    from ..._models import DBInstanceAutomatedBackup, EnsureResult, ReplacementProgress

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.

_RUN_SHOW = "To find out, run the show command."
_CHECKED_QUESTIONS = 3  # the number of questions of check_replication that RDS answers


class Goal(str, Enum):
    """A state to wait for."""

    REPLICATING = "replicating"
    STOPPED = "stopped"


@with_options(RegionOptions)
def start(
    options: RegionOptions,
    *,
    source: Source,
    backup_retention_period: Retention = None,
    kms_key_id: KmsKey = None,
    tags: Tags = None,
    source_region: Annotated[
        str | None,
        typer.Option(
            metavar="REGION",
            help="Region of the source, for a presigned URL in the request. Rarely needed: in "
            "GovCloud the client adds the URL itself, and elsewhere RDS does not require one.",
        ),
    ] = None,
) -> None:
    """Start replicating an instance's automated backups.

    The command returns at once. To wait until the backup can be restored, run the wait command.
    If a replication may already be active, run the ensure command instead.
    """
    client = options.make_client()
    read = read_tags(tags)
    with explain_interruption(f"The start may have taken effect. {_RUN_SHOW}"):
        backup = client.start_db_instance_automated_backups_replication(
            source_db_instance_arn=source,
            backup_retention_period=backup_retention_period,
            kms_key_id=kms_key_id,
            tags=read,
            source_region=source_region,
        )
    print_backup(backup, options.output)


@with_options(RegionOptions)
def ensure(
    options: RegionOptions,
    *,
    source: Source,
    backup_retention_period: Retention = None,
    kms_key_id: KmsKey = None,
    tags: Tags = None,
) -> None:
    """Ensure that automated backups replicate as requested.

    The command starts a replication unless one is active. You can repeat it safely. An active
    replication with another retention or key is an error. The command never stops a replication.
    """
    client = options.make_client()
    with (
        explain_interruption(f"A start may have taken effect. {_RUN_SHOW}"),
        progress(f"Ensuring that {source} replicates", lines=False),
    ):
        result = client.ensure_replication(
            source_db_instance_arn=source,
            backup_retention_period=backup_retention_period,
            kms_key_id=kms_key_id,
            tags=read_tags(tags),
        )
    _print_result(result, options.output)


@with_options(RegionOptions)
def replace(
    options: RegionOptions,
    *,
    source: Source,
    backup_retention_period: Retention = None,
    kms_key_id: KmsKey = None,
    tags: Tags = None,
    timeout: Timeout = "75m",
    poll_interval: PollInterval = "30s",
    yes: Yes = False,
) -> None:
    """Stop and restart a replication that has another retention.

    RDS cannot modify a replication. Before the stop, the command checks that RDS would accept the
    start. After the stop, it retries the start until the timeout, and then starts the former
    replication. Settings that you omit stay the same. If the command is interrupted, run it again.
    """
    from ..._operations import START

    longest = read_duration(timeout, "--timeout")
    pause = read_duration(poll_interval, "--poll-interval")
    client = options.make_client()
    wanted: dict[str, Any] = {
        "source_db_instance_arn": source,
        "backup_retention_period": backup_retention_period,
        "kms_key_id": kms_key_id,
        "tags": read_tags(tags),
    }
    validate(client, START, wanted)
    confirm(
        f"Stop and restart the replication of {source} to {client.region_name} if it has another "
        "retention?",
        yes=yes,
    )
    with (
        explain_interruption(
            "If the replication was stopped, run the same command again: it continues."
        ),
        progress(f"Checking that the replication of {source} can be started again") as shown,
    ):

        def show(progress: "ReplacementProgress") -> None:
            shown.update(_PHASES[progress.phase].format(source))

        result = client.replace_replication(
            **wanted, timeout=longest, poll_interval=pause, on_progress=show
        )
    _print_result(result, options.output)


_PHASES = {
    "preflight": "Checking that the replication of {} can be started again",
    "stop": "Stopping the replication of {}",
    "wait": "Waiting until the replication of {} has ended",
    "start": "Starting the new replication of {}",
}


def _print_result(result: "EnsureResult", output: Output) -> None:
    if output is Output.JSON:
        print_json(
            {
                "action": result.action,
                "backup": backup_fields(result.backup),
                "source_checked": result.source_checked,
            }
        )
    else:
        print_backup(result.backup, output, result.action)
    if not result.source_checked:
        note(
            "The source Region did not confirm that this is the instance's active backup: the "
            "Region was not asked or did not answer, or a stop may be in progress. Run the check "
            "command."
        )


@with_options(RegionOptions)
def stop(
    options: RegionOptions,
    *,
    source: Source,
    missing_ok: Annotated[
        bool, typer.Option("--missing-ok", help="Succeed even if no replication is active.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Stop replicating an instance's automated backups.

    The command returns at once. RDS retains the replicated backup until it expires.
    """
    from ..._operations import STOP

    client = options.make_client()
    validate(client, STOP, {"source_db_instance_arn": source})
    confirm(f"Stop the replication of {source} to {client.region_name}?", yes=yes)
    with explain_interruption(f"The stop may have taken effect. {_RUN_SHOW}"):
        if missing_ok:
            stopped = client.ensure_stopped(source_db_instance_arn=source)
        else:
            stopped = client.stop_db_instance_automated_backups_replication(
                source_db_instance_arn=source
            )
    if stopped is None:
        note(f"No replication of {source} to {client.region_name} is active.")
    print_backup(stopped, options.output)


@with_options(RegionOptions)
def wait(
    options: RegionOptions,
    *,
    source: Source,
    until: Annotated[Goal, typer.Option(help="State to wait for.")] = Goal.REPLICATING,
    timeout: Timeout = "75m",
    poll_interval: PollInterval = "30s",
) -> None:
    """Wait until a backup is replicating or has stopped."""
    longest = read_duration(timeout, "--timeout")
    pause = read_duration(poll_interval, "--poll-interval")
    client = options.make_client()
    method = (
        client.wait_until_replicating if until is Goal.REPLICATING else client.wait_until_stopped
    )
    goal = (
        f"{source} is replicating"
        if until is Goal.REPLICATING
        else f"the replication of {source} has ended"
    )
    ended = f"The wait until {goal} has ended early. AWS continues; wait again."
    with (
        explain_interruption(ended),
        progress(f"Waiting until {goal}") as shown,
    ):

        def show(backup: "DBInstanceAutomatedBackup | None") -> None:
            found = f"status: {str(backup.status).lower()}" if backup else "no backup found"
            shown.update(f"Waiting ({found})")

        backup = method(
            source_db_instance_arn=source, timeout=longest, poll_interval=pause, on_poll=show
        )
    if backup is None:
        note(f"The replication has stopped. {client.region_name} keeps no backup of {source}.")
    print_backup(backup, options.output)


@with_options(RegionOptions)
def check(
    options: RegionOptions,
    *,
    source: Source,
    kms_key_id: KmsKey = None,
) -> None:
    """Find all blockers: reasons why RDS would refuse a start.

    The command changes nothing.
    """
    client = options.make_client()
    check = client.check_replication(source_db_instance_arn=source, kms_key_id=kms_key_id)
    if options.output is Output.JSON:
        print_json(check)
    elif check.is_clear:
        note("No blockers found.")
    else:
        rows = [(reason.code, f"{reason.message} {reason.remedy}") for reason in check]
        print_table(("REASON", "DETAILS AND REMEDY"), rows)
    if not check.is_clear:
        # If RDS answered no question, nothing is known of the instance.
        of_rds = [reason for reason in check.unchecked if " the KMS key " not in reason.message]
        is_unknown = not check.blockers and len(of_rds) == _CHECKED_QUESTIONS
        raise typer.Exit(ExitCode.UNREACHABLE if is_unknown else ExitCode.FINDINGS)
