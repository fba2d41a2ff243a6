"""A drill: restores under other names, checks, evidence, and the deletion of what it made."""

import random
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import uuid4

from .._arn import parse_arn
from .._credentials import read_credentials
from ..exceptions import RecoveryRefusedError
from ..fleet._credentials import Access
from ..fleet._policy import Policy
from ._access import Place, find_destinations, place_of, select_entries
from ._book import BookEntry, RecoveryBook
from ._deletions import InstanceDeletion
from ._drill_checks import Check, describe_check, run_check, validate_check
from ._journal import FORMAT, Drilled, Key, Progress, now, read_progress
from ._records import DrilledInstance, DrillReport, RestoredInstance
from ._recover import check_arguments, create_header
from ._restore_target import (
    Target,
    drill_settings,
    find_shared_network,
    recovery_networks,
)
from ._restores import InstanceRestore
from ._run import Crew, Run

OnDrillEvent = Callable[[DrilledInstance], object]

_MAX_IDENTIFIER = 63


def drill(
    book: RecoveryBook,
    policy: Policy | None = None,
    *,
    journal: str | Path,
    check: Check | None = None,
    access: Access | None = None,
    only: Iterable[str] = (),
    sample: int | None = None,
    at: datetime | None = None,
    at_once: int = 5,
    check_timeout: timedelta = timedelta(minutes=10),
    in_recovery_network: bool = False,
    poll_interval: float = 30.0,
    timeout: timedelta = timedelta(hours=12),
    on_event: OnDrillEvent | None = None,
) -> DrillReport:
    """Restore instances under a drill's names, check them, measure, and delete them again.

    Each instance is deleted as soon as it has been checked, also if its restore or its check has
    failed, and after the first Ctrl-C. What a killed drill leaves behind, ``drill_cleanup``
    deletes. An instance is deleted only if it has the resource ID that RDS returned to this drill
    and the tag with this drill's ID; without a final snapshot, and with its automated backups.

    The instances are in the drill's subnet group and security groups, have no standby, no public
    address, no deletion protection and no automated backups, and no tags of the source.

    Args:
        book: The book.
        policy: As for ``recover``.
        journal: A new file that receives a line before and after each change.
        check: A command, which gets the endpoint in ``DB_HOST`` and ``DB_PORT``, or a callable
            that gets the restored instance and raises an error or returns ``False`` if the
            check fails.
        access: As for ``recover``.
        only: As for ``recover``.
        sample: The number of instances to drill, chosen at random; all if omitted.
        at: As for ``recover``.
        at_once: The number of the drill's instances that exist at the same time.
        check_timeout: How long the check of an instance may take.
        in_recovery_network: Whether instances without drill settings, or with those of the
            recovery, may be restored into the recovery's subnet group and security groups.
        poll_interval: As for ``recover``.
        timeout: As for ``recover``.
        on_event: Called with the record of an instance whenever its state changes.

    Returns:
        The evidence, with one record for each instance.

    Raises:
        RecoveryRefusedError: As for ``recover``; or an instance has no settings for drills, or the
            journal is not empty. Nothing was sent.
        ValueError: As for ``recover``; ``sample`` or ``at_once`` is below 1, ``check_timeout`` is
            not positive, or ``check`` is empty.
        TypeError: ``check`` is a string, or an async function.
        OSError: The journal cannot be written.
    """
    check_arguments(at, poll_interval, timeout)
    validate_check(check, check_timeout)
    for name, number in (("sample", sample), ("at_once", at_once)):
        if number is not None and number < 1:
            raise ValueError(f"{name}= must be at least 1, not {number}")
    entries = select_entries(book, only)
    if sample is not None and sample < len(entries):
        entries = tuple(sorted(random.sample(entries, sample), key=BookEntry.sort_key))
    if not in_recovery_network:
        _require_drill_network(entries, book)
    places = find_destinations(map(place_of, entries), policy, access or Access(), uuid4().hex)
    header = create_header(
        "drill",
        book,
        at,
        check=describe_check(check),
        planned=len(entries),
        book_instances=sum(not entry.is_gone for entry in book.instances),
    )
    targets = create_drill_targets(entries, header.run_id, at)
    path = Path(journal)
    with FORMAT.create(
        path,
        header,
        remedy="Delete what its drill left behind (drill_cleanup), and name another file.",
    ) as file:
        run = Run(places, Progress(header), file, poll_interval, timeout)
        crew: Crew[DrilledInstance] = Crew(run, on_event)
        results: dict[Key, DrilledInstance] = {}

        def drill_one(target: Target) -> None:
            results[target.key] = _drill(run, crew, target, check, check_timeout)

        crew.run(run.connect)
        crew.work(targets, drill_one, at_once)
    return _report(run, results.values())


def drill_cleanup(
    journal: str | Path,
    policy: Policy | None = None,
    *,
    access: Access | None = None,
    poll_interval: float = 30.0,
    on_event: OnDrillEvent | None = None,
) -> DrillReport:
    """Delete what a drill has left behind, as its journal says.

    An instance is deleted only if it has the resource ID of the journal and the tag with the
    drill's ID. Cleaning up twice is safe.

    Args:
        journal: The journal of the drill, which receives more lines.
        policy: The policy, which has the accounts' roles; ``None`` if the drill was in one
            account, in which the current credentials act.
        access: The credentials and the endpoint to use.
        poll_interval: Seconds between two attempts to delete an instance.
        on_event: Called with the record of an instance once its deletion has ended.

    Returns:
        The evidence of the drill, as far as its journal has it.

    Raises:
        RecoveryRefusedError: The file is not the journal of a drill, another process uses it, or
            an account's role is not known. Nothing was sent.
        ValueError: ``poll_interval`` is out of range.
        OSError: The journal cannot be read or written.
    """
    check_arguments(None, poll_interval, timedelta(hours=1))
    path = Path(journal)
    with FORMAT.reopen(path) as file:
        progress = read_progress(file)
        if progress.header.kind != "drill":
            raise RecoveryRefusedError(
                [f"The journal {path} is of a recovery, whose instances are never deleted."]
            )
        records = {key: _last_record(progress, key) for key in progress.instances}
        places = find_destinations(
            ((account_id, region) for account_id, region, _ in records),
            *(policy, access or Access(), uuid4().hex),
        )
        run = Run(places, progress, file, poll_interval, timedelta(hours=1))
        crew: Crew[DrilledInstance] = Crew(run, on_event)

        def clean_up(key: Key) -> None:
            run.requests.restart()
            records[key] = _clean_up(run, crew, key, records[key])

        crew.run(partial(run.connect, lists_backups=False))
        crew.work(
            [
                key
                for key, record in records.items()
                # What RDS has not shown after a lost response, it may show now.
                if record.cleanup in ("kept", "failed")
                or (record.cleanup == "absent" and progress.of(key).is_uncertain)
            ],
            clean_up,
        )
    return _report(run, records.values())


def create_drill_targets(
    entries: Iterable[BookEntry], run_id: str, at: datetime | None
) -> list[Target]:
    """Return what a drill restores: the recovery's settings in the drill's network."""
    names: set[tuple[Place, str]] = set()
    targets: list[Target] = []
    for entry in entries:
        place = place_of(entry)
        number = 1
        while True:
            name = _drill_name(entry.db_instance_identifier, run_id, number)
            if (place, name) not in names:
                break
            number += 1
        names.add((place, name))
        targets.append(Target(entry, name, drill_settings(entry), at))
    return targets


def _drill_name(identifier: str, run_id: str, number: int) -> str:
    """Return a drill's name of an instance, which RDS accepts and which no two instances share."""
    ending = f"-{number}" if number > 1 else ""
    start = f"drill-{run_id[:8]}-{identifier.lower()}"
    return start[: _MAX_IDENTIFIER - len(ending)].rstrip("-") + ending


def _require_drill_network(entries: Iterable[BookEntry], book: RecoveryBook) -> None:
    networks = recovery_networks(book.instances)
    reasons: list[str] = []
    for entry in entries:
        if not (entry.drill.db_subnet_group_name and entry.drill.vpc_security_group_ids):
            problem = "has no settings for drills"
        elif find_shared_network(entry, networks):
            problem = "would be drilled in the network of the recovery"
        else:
            continue
        reasons.append(
            f"{entry.db_instance_identifier} {problem}. Set recovery.drill.subnet_group and "
            "recovery.drill.security_group_ids in the policy and retarget the book, or pass "
            "in_recovery_network=True."
        )
    if reasons:
        raise RecoveryRefusedError(reasons)


def _drill(
    run: Run,
    crew: "Crew[DrilledInstance]",
    target: Target,
    check: Check | None,
    check_timeout: timedelta,
) -> DrilledInstance:
    """Restore an instance, check it, and delete it."""
    entry = target.entry
    adapted = {
        name: f"{value!r}, not {of_recovery!r} as in a recovery"
        for (name, value), (_, of_recovery) in zip(target.settings, entry.target, strict=True)
        if value != of_recovery
    }

    def record_of(restored: RestoredInstance) -> DrilledInstance:
        begun, moment = restored.begun_at, restored.restore_time
        age = begun - moment if begun and moment else None
        return DrilledInstance(
            restore=restored, restored_age=age, adapted=adapted, rto=entry.rto, rpo=entry.rpo
        )

    restore = InstanceRestore(run, target, lambda restored: crew.report(record_of(restored)))
    try:
        record = record_of(restore.restore())
        if record.restore.outcome == "done":
            used = [read_credentials(run.readers[target.place].context.client)]
            outcome, output = run_check(
                *(check, record.restore, entry, check_timeout), stopped=run.stopped, used=used
            )
            record = record.model_copy(
                update={
                    "check": outcome,
                    "check_output": output,
                    "checked_after": restore.elapsed() if outcome == "passed" else None,
                }
            )
            crew.report(record)
    except BaseException:  # for example, the journal cannot be written
        InstanceDeletion(run, target.key).delete()
        raise
    record = _clean_up(run, crew, target.key, record)
    if record.cleanup == "deleted":
        InstanceDeletion(run, target.key).wait_until_gone()
    return record


def _clean_up(
    run: Run, crew: "Crew[DrilledInstance]", key: Key, record: DrilledInstance
) -> DrilledInstance:
    """Delete the instance of a drill, and record what happened."""
    outcome, message = InstanceDeletion(run, key).delete()
    ids = dict.fromkeys((*record.restore.request_ids, *run.requests.request_ids))
    restored = record.restore.model_copy(update={"request_ids": tuple(ids)})
    record = record.model_copy(
        update={"restore": restored, "cleanup": outcome, "cleanup_message": message}
    )
    if record != run.progress.of(key).drilled:  # a cleanup may find what an earlier one has found
        run.write(Drilled(at=now(), instance=record))
    crew.report(record)
    return record


def _last_record(progress: Progress, key: Key) -> DrilledInstance:
    """Return what a journal says of an instance of a drill."""
    own = progress.of(key)
    if own.drilled is not None:
        return own.drilled
    if own.restored is not None:
        return DrilledInstance(restore=own.restored)
    account_id, region, identifier = key
    arn = own.restore.db_instance_arn if own.restore else ""
    parsed = parse_arn(arn)
    return DrilledInstance(
        restore=RestoredInstance(
            account_id=account_id,
            source_region=parsed.region if parsed else "",
            destination_region=region,
            tier=1,
            db_instance_arn=arn,
            db_instance_identifier=arn.rpartition(":")[2],
            target_db_instance_identifier=identifier,
            outcome="not_finished",
            begun_at=own.restore.at if own.restore else None,
            restore_time=own.restore.restore_time if own.restore else None,
            restored_dbi_resource_id=own.dbi_resource_id,
        )
    )


def _report(run: Run, instances: Iterable[DrilledInstance]) -> DrillReport:
    header = run.progress.header
    return DrillReport(
        run_id=header.run_id,
        book_hash=header.book_hash,
        book_captured_at=header.book_captured_at,
        begun_at=header.at,
        ended_at=now(),
        callers=run.callers,
        check=header.check,
        planned=header.planned,
        book_instances=header.book_instances,
        instances=tuple(sorted(instances, key=lambda each: each.restore.sort_key())),
        is_interrupted=run.stopped.is_set(),
    )
