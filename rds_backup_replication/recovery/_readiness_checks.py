"""Whether a restore would succeed: its backup, keys, class and name, and the account's quota."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from .._arn import is_db_instance_identifier
from .._workflows.lookup import is_same_id
from ..fleet._durations import format_duration
from ..fleet._wording import list_words, utc
from . import _cli_commands as cli
from ._access import Place
from ._book import BookEntry
from ._readiness_answers import Answers, InstanceQuota, KeyCondition, Restore
from ._readiness_groups import RETARGET
from ._records import ReadinessReason
from ._remedies import explain_taken_name
from ._restore_target import contains, find_shared_network, window_of
from ._settings import MAX_TAGS

EntryKey = tuple[str, str, str, str]

_MOST_UNITS = 2  # of an age in words
_OLD = timedelta(days=1)  # what no replication that advances reaches, if the policy says nothing


def find_backup_reasons(
    restore: Restore, answers: Answers, now: datetime, at: datetime | None = None
) -> Iterator[ReadinessReason]:
    """Yield why the backup of an entry could not be restored now, or is old."""
    entry, backup = restore.entry, restore.backup
    if isinstance(answers.backups, ReadinessReason):
        yield answers.backups
        return
    if backup is None:
        yield _backup_not_found(entry, answers)
        return
    window, status = backup.restore_window, backup.status or "without a status"
    if window is None or window.latest_time is None:
        yield ReadinessReason(
            code="backup_not_restorable",
            message=f"The backup is {status.lower()} and has no restorable time.",
            remedy=(
                "Wait until RDS has copied a snapshot. If the backup stays like this, replace the "
                "replication."
            ),
        )
        return
    if at is not None and not contains(backup, at):
        yield ReadinessReason(
            code="backup_not_restorable",
            message=f"The backup has {window_of(backup)}, and not {at.isoformat()}.",
            remedy="Choose a time in between.",
        )
        return
    limits = [limit for limit in (entry.maximum_lag, entry.rpo) if limit is not None]
    age = utc(now) - utc(window.latest_time)
    if age > min(limits, default=_OLD) or backup.is_retained:
        allowed = f", and the policy allows {format_duration(min(limits))}" if limits else ""
        yield ReadinessReason(
            code="backup_not_recent",
            message=(
                f"The latest restorable time is {format_age(age)} ago{allowed}; the backup is "
                f"{status.lower()}."
            ),
            remedy=(
                "A backup of a Region that is lost grows old, and can be restored. Otherwise, "
                "find out why the replication does not advance."
            ),
            is_warning=True,
        )


def format_age(age: timedelta) -> str:
    """Return an age in words, in its two largest units."""
    return format_duration(age, max_units=_MOST_UNITS)


def _backup_not_found(entry: BookEntry, answers: Answers) -> ReadinessReason:
    listed = [] if isinstance(answers.backups, ReadinessReason) else answers.backups
    others = sorted(
        {
            f"{backup.db_instance_automated_backups_arn} of {backup.dbi_resource_id}"
            for backup in listed
            if is_same_id(backup.db_instance_arn, entry.db_instance_arn)
            and not is_same_id(backup.dbi_resource_id, entry.dbi_resource_id)
        }
    )
    message = f"{answers.region_name} has no backup of {entry.dbi_resource_id}."
    if others:
        message += f" Another instance had this name, too: RDS keeps {list_words(others)}."
    return ReadinessReason(
        code="backup_not_found",
        message=message,
        remedy=(
            "Start a replication of the instance. If a new instance has its name, capture the "
            "book again."
        ),
    )


def find_key_reasons(restore: Restore, answers: Answers) -> Iterator[ReadinessReason]:
    """Yield why RDS could not use the keys of the backup and of the settings."""
    region_name, backup = answers.region_name, restore.backup
    if (key := restore.backup_key) is not None:
        condition = answers.keys[key]
        if isinstance(condition, ReadinessReason):
            yield condition
        else:
            yield from _backup_key_reasons(key, condition, region_name)
    elif (
        backup
        and restore.is_encrypted
        and backup.encrypted is not False
        and backup.storage_encryption_type != "sse-rds"
    ):
        yield ReadinessReason(
            code="could_not_be_checked",
            message="The backup is encrypted, and RDS does not return its KMS key.",
            remedy="Check that the key of the backup is enabled.",
        )
    for purpose, key in restore.settings_keys.items():
        condition = answers.keys[key]
        if isinstance(condition, ReadinessReason):
            yield condition
            continue
        for reason in condition.reasons:
            yield ReadinessReason(
                code="settings_key_not_usable",
                message=f"{reason.message} The book names it for {purpose}.",
                remedy=f"{reason.remedy} Otherwise, choose another key. {RETARGET}",
                commands=cli.enable_key(region_name, key, condition.state),
            )


def _backup_key_reasons(
    kms_key_id: str, condition: KeyCondition, region_name: str
) -> Iterator[ReadinessReason]:
    for reason in condition.reasons:
        is_missing = reason.code == "kms_key_not_found"
        yield ReadinessReason(
            code="backup_key_not_usable",
            message=f"{reason.message} The backup is encrypted with it.",
            remedy=(
                "Replicate the instance with another key: without its key, nobody can restore "
                "this backup."
                if is_missing
                else reason.remedy
            ),
            commands=cli.enable_key(region_name, kms_key_id, condition.state),
        )


def find_class_reasons(restore: Restore, answers: Answers) -> Iterator[ReadinessReason]:
    """Yield why the Region does not offer the class as the restore needs it."""
    query, settings = restore.class_query, restore.settings
    if query is None:
        yield ReadinessReason(
            code="could_not_be_checked",
            message="The book has no instance class.",
            remedy="Capture the book again.",
        )
        return
    offers = answers.offers[query]
    if isinstance(offers, ReadinessReason):
        yield offers
        return
    version = f"{query.engine} {query.engine_version or ''}".strip()
    if restore.fitting_offers(answers):
        if not restore.offered_zones(answers):
            yield ReadinessReason(
                code="could_not_be_checked",
                message=f"RDS does not say in which zones it offers {query.db_instance_class}.",
                remedy="Check the class again later.",
            )
        return
    wishes = {
        "Multi-AZ": bool(settings.multi_az),
        f"storage type {settings.storage_type}": settings.storage_type is not None,
        f"license {query.license_model}": query.license_model is not None,
        "encrypted storage": restore.is_encrypted,
        "IAM authentication": bool(settings.enable_iam_database_authentication),
        "Performance Insights": bool(settings.enable_performance_insights),
        "enhanced monitoring": bool(settings.monitoring_interval),
        "a dedicated log volume": bool(settings.dedicated_log_volume),
        f"network type {settings.network_type}": settings.network_type == "DUAL",
        f"{settings.iops} IOPS": settings.iops is not None,
        f"{restore.storage} GiB": bool(restore.storage),
    }
    wanted = [wish for wish, is_wanted in wishes.items() if is_wanted]
    yield ReadinessReason(
        code="class_not_orderable",
        message=(
            f"{answers.region_name} does not offer {query.db_instance_class} for {version}"
            f"{f' with {list_words(wanted)}' if wanted else ''}."
        ),
        remedy=f"Choose a class that the Region offers. {RETARGET}",
    )


def find_drill_reasons(
    restore: Restore, networks: Mapping[Place, set[str]]
) -> Iterator[ReadinessReason]:
    """Yield what the policy lacks for drills, and what a drill would share with recoveries."""
    drill = restore.entry.drill
    missing = {
        "subnet_group": not drill.db_subnet_group_name,
        "security_group_ids": not drill.vpc_security_group_ids,
    }
    if any(missing.values()):
        names = [name for name, is_missing in missing.items() if is_missing]
        yield ReadinessReason(
            code="no_drill_settings",
            message=f"The policy sets no {list_words(names)} for drills.",
            remedy=(
                "Set what is missing in drill: of the policy's recovery: block, and retarget "
                "the book."
            ),
        )
    if shared := find_shared_network(restore.entry, networks):
        yield ReadinessReason(
            code="drill_not_separate",
            message=(
                f"A drill would use {list_words(shared)}, which the policy names for recovered "
                "instances, too: applications may reach the drill's instances."
            ),
            remedy=(
                "Give drills a subnet group and security groups of their own, or pass "
                "in_recovery_network=True to the drill."
            ),
        )


def find_name_reasons(restore: Restore, answers: Answers) -> Iterator[ReadinessReason]:
    """Yield that the restored instance cannot have its name, or that another one has it."""
    name = restore.entry.target_db_instance_identifier
    if not is_db_instance_identifier(name):
        yield ReadinessReason(
            code="name_not_valid",
            message=f"RDS does not allow the identifier {name}, so a recovery would refuse it.",
            remedy="Set another name in the policy's recovery: block, and retarget the book.",
        )
        return
    if isinstance(answers.instances, ReadinessReason):
        yield answers.instances
        return
    instance = answers.instances.get(name.lower())
    if instance is None:
        return
    whose, remedy = explain_taken_name(instance)
    yield ReadinessReason(
        code="name_taken",
        message=f"{answers.region_name} has an instance {name}{whose}.",
        remedy=remedy,
    )


def find_entry_reasons(restore: Restore, *, is_stale: bool) -> Iterator[ReadinessReason]:
    """Yield what is to be known of an entry of the book itself."""
    entry = restore.entry
    if entry.gaps:
        yield ReadinessReason(
            code="entry_not_complete",
            message=f"The capture is not complete: {' '.join(entry.gaps)}",
            remedy="Correct this, and capture or retarget the book again.",
            is_warning=True,
        )
    if is_stale:
        yield ReadinessReason(
            code="entry_not_complete",
            message=(
                f"The latest captures could not read the instance: the book shows it as of "
                f"{utc(entry.captured_at):%Y-%m-%d %H:%M} UTC."
            ),
            remedy="If the source Region is there, find out why it does not answer.",
            is_warning=True,
        )
    if entry.is_gone:
        yield ReadinessReason(
            code="source_gone",
            message="The source no longer had the instance at the latest capture.",
            remedy="Restore the instance only if its deletion was not meant.",
            is_warning=True,
        )
    if entry.not_restored:
        yield ReadinessReason(
            code="not_restored",
            message=f"A recovery does not restore {list_words(entry.not_restored)}.",
            remedy="Add by hand what is needed, once the instance is restored.",
            is_warning=True,
        )
    tags = len(restore.settings.tags or {})
    if tags > MAX_TAGS:
        yield ReadinessReason(
            code="too_many_tags",
            message=(
                f"The instance has {tags} tags. RDS allows 50, and a recovery adds some of its own."
            ),
            remedy=f"Remove tags of the instance until {MAX_TAGS} are left, and capture again.",
        )


def find_shared_reasons(
    answers: Answers, *, for_drill: bool
) -> Mapping[EntryKey, list[ReadinessReason]]:
    """Return the reasons that arise from several restores together, by the entry's sort key.

    A renamed instance may have an entry under each name, with the same resource ID.
    """
    entries = [restore.entry for restore in answers.restores]
    found: defaultdict[EntryKey, list[ReadinessReason]] = defaultdict(list)
    names = Counter(entry.target_db_instance_identifier.lower() for entry in entries)
    for entry in entries if not for_drill else ():
        name = entry.target_db_instance_identifier
        if names[name.lower()] > 1:
            others = sorted(
                other.db_instance_arn
                for other in entries
                if other is not entry and is_same_id(other.target_db_instance_identifier, name)
            )
            found[entry.sort_key()].append(_name_used_twice(name, others))
    for entry, reason in _quota_reasons(answers, for_drill=for_drill):
        found[entry.sort_key()].append(reason)
    return found


def _name_used_twice(name: str, others: list[str]) -> ReadinessReason:
    return ReadinessReason(
        code="name_used_twice",
        message=f"{list_words(others)} would be restored under the name {name}, too.",
        remedy="Give one a different name in the policy's recovery: block, and retarget the book.",
    )


def _quota_reasons(
    answers: Answers, *, for_drill: bool
) -> Iterator[tuple[BookEntry, ReadinessReason]]:
    """Yield the entries for which the quota has no room; earlier tiers get the places."""
    restores = sorted(answers.restores, key=lambda r: (r.entry.tier, r.entry.sort_key()))
    entries = [restore.entry for restore in restores]
    quota = answers.quota
    if isinstance(quota, ReadinessReason):
        yield from ((entry, quota) for entry in entries)
        return
    if quota.free_storage is not None:
        yield from _storage_reasons(restores, answers.region_name, quota, for_drill=for_drill)
    # A drill restores some instances at a time, and deletes them.
    needed = 1 if for_drill else len(entries)
    if quota.free >= needed:
        return
    wanted = quota.maximum + needed - quota.free
    reason = ReadinessReason(
        code="instance_quota_exceeded",
        message=(
            f"The quota of DB instances in {answers.region_name} is {quota.maximum}, of which "
            f"{quota.free} are free; the restores need {needed}."
        ),
        remedy=f"Request a quota of at least {wanted} DB instances.",
        commands=(cli.raise_instance_quota(answers.region_name, wanted),),
    )
    yield from ((entry, reason) for entry in entries[quota.free :])


def _storage_reasons(
    restores: list[Restore], region_name: str, quota: InstanceQuota, *, for_drill: bool
) -> Iterator[tuple[BookEntry, ReadinessReason]]:
    """Yield the entries for whose storage the quota has no room."""
    free, needed = quota.free_storage or 0, 0
    for restore in restores:
        needed = restore.storage if for_drill else needed + restore.storage
        if needed > free:
            yield (
                restore.entry,
                ReadinessReason(
                    code="storage_quota_exceeded",
                    message=(
                        f"The quota of storage in {region_name} is {quota.maximum_storage} GiB, of "
                        f"which {free} GiB are free; the restores up to this one need {needed} GiB."
                    ),
                    remedy="Request a larger quota of the total storage of DB instances.",
                ),
            )
