"""What the destinations keep beyond the instances that replicate as the policy says."""

from collections.abc import Iterable

from .._durations import format_duration
from .._records import AuditRecord, OtherBackup
from .._wording import display_name, pluralize
from .html import MAX_LISTED, Html, arn_line, route, row, scrollable_table, section, tag, time_tag

_SURVIVORS = ("Instance", "Latest", "Data loss", "Earliest", "Backup to restore from")
_BACKUPS = ("Instance", "Earliest", "Latest", "Retention", "Status", "Why it is listed")


def survivors_of(instances: list[AuditRecord]) -> list[AuditRecord]:
    """Return the instances of unknown state that can be restored, the largest lag first."""
    found = [r for r in instances if r.state == "unknown" and r.latest_time is not None]
    return sorted(found, key=lambda r: (r.latest_time, r.sort_key()))


def survivors(found: list[AuditRecord]) -> Html:
    """Return the section of what can be restored although the source does not answer."""
    if not found:
        return Html()
    caption = (
        f"{pluralize(len(found), 'instance')} of unknown state with a backup in the destination, "
        "the oldest backup first"
    )
    if len(found) > MAX_LISTED:
        caption += f". {MAX_LISTED} are shown; the table of all instances has every one"
    table = scrollable_table(
        "restorable-backups",
        caption,
        (tag("th", name, scope="col") for name in _SURVIVORS),
        (_survivor(record) for record in found[:MAX_LISTED]),
    )
    note = "To restore, call the destination Region; the source Region need not answer."
    return section("survivors", "What can be restored", table, tag("p", note, class_="quiet"))


def _survivor(record: AuditRecord) -> Html:
    return row(
        _name(
            display_name(record),
            record.account_id,
            route(record.source_region, record.destination_region),
        ),
        tag("td", time_tag(record.latest_time)),
        tag("td", "" if record.lag is None else format_duration(record.lag)),
        tag("td", time_tag(record.earliest_time)),
        tag("td", arn_line(record.db_instance_automated_backups_arn or "")),
    )


def unmanaged(found: Iterable[OtherBackup]) -> Html:
    """Return the section of active replications that no rule asks for."""
    return _section("unmanaged", "Unmanaged replications", "active replication", found)


def retained(found: Iterable[OtherBackup]) -> Html:
    """Return the section of retained backups that no record shows."""
    return _section("retained", "Retained backups", "retained backup", found)


def _section(id_: str, title: str, noun: str, found: Iterable[OtherBackup]) -> Html:
    rows = [_row(backup) for backup in found]
    if not rows:
        return Html()
    caption = f"{pluralize(len(rows), noun)} that no record of an instance shows"
    head = (tag("th", name, scope="col") for name in _BACKUPS)
    return section(id_, title, scrollable_table(f"{id_}-backups", caption, head, rows))


def _row(backup: OtherBackup) -> Html:
    days = backup.backup_retention_period
    name = display_name(backup) if backup.db_instance_arn else backup.dbi_resource_id
    where = route(backup.source_region, backup.destination_region)
    arn = backup.db_instance_automated_backups_arn
    return row(
        _name(name or "unknown instance", backup.account_id, where),
        *(tag("td", time_tag(time)) for time in (backup.earliest_time, backup.latest_time)),
        tag("td", "" if days is None else pluralize(days, "day")),
        tag("td", backup.backup_status or ""),
        tag("td", tag("p", backup.message), *([arn_line(arn)] if arn else []), class_="why"),
    )


def _name(name: str, account_id: str, where: Html) -> Html:
    lines = (f"Account {account_id}", where)
    return tag("th", name, *(tag("span", line, class_="quiet") for line in lines), scope="row")
