"""The evidence of one instance of a drill, as a card of the drill's page."""

from datetime import timedelta

from ...fleet._durations import format_duration
from ...fleet._records import State
from ...fleet._report.html import Html, arn_line, join, mark, route, tag, time_tag
from ...fleet._report.problems import group
from ...fleet._wording import list_words
from .._records import CheckOutcome, CleanupOutcome, DrilledInstance, Outcome, RestoredInstance
from .facts import fact, fact_list, lines, moment_after

Mark = tuple[str, State]
"""A text, and the state of an audit that looks the same."""

CHECKS: dict[CheckOutcome, Mark] = {
    "passed": ("passed", "protected"),
    "failed": ("failed", "unprotected"),
    "timed_out": ("timed out", "unprotected"),
    "not_run": ("not run", "unmatched"),
}
CLEANUPS: dict[CleanupOutcome, Mark] = {
    "deleted": ("deleted", "protected"),
    "absent": ("nothing to delete", "excluded"),
    "failed": ("not deleted", "unprotected"),
    "kept": ("not deleted yet", "lagging"),
}
_RESTORES: dict[Outcome, Mark] = {
    "done": ("done", "protected"),
    "failed": ("failed", "unprotected"),
    "not_finished": ("not finished", "unprotected"),
    "not_attempted": ("not attempted", "unmatched"),
    "planned": ("planned", "unmatched"),
}
_OUTCOMES = {
    "failed": "failed restore",
    "not_finished": "unfinished restore",
    "not_attempted": "unattempted restore",
    "planned": "merely planned restore",
}
_CHECKS = {"failed": "failed check", "timed_out": "timed-out check", "not_run": "missing check"}


def shortfalls(each: DrilledInstance) -> list[str]:
    """Return why an instance is not proven restorable, as nouns; empty if it is proven."""
    if each.restore.outcome != "done":
        return [_OUTCOMES[each.restore.outcome]]
    found = [] if each.check == "passed" else [_CHECKS[each.check]]
    if each.check == "passed" and each.meets_rto is False:
        found.append("missed RTO")
    if each.meets_rpo is False:
        found.append("missed RPO")
    return found


def measured(
    value: timedelta | None, objective: timedelta | None, *, is_met: bool | None
) -> tuple[Html, Html]:
    """Return a measured duration, and its objective with whether it is met."""
    shown = "not measured" if value is None else format_duration(value)
    if objective is None:
        return join((shown,)), join(("none stated",))
    verdict = mark("met", "protected") if is_met else mark("missed", "unprotected")
    return join((shown,)), join((format_duration(objective), " ", verdict))


def instance_card(each: DrilledInstance, result: Html) -> Html:
    """Return the card of an instance."""
    restore = each.restore
    why = list_words(shortfalls(each)) if not each.is_proven else ""
    facts = fact_list(
        *_from(restore),
        *_to(restore),
        *_times(each),
        *_objectives(each),
        fact("Check", mark(*CHECKS[each.check])),
        fact("End of its output", *_output(each.check_output)),
        *_settings(restore),
        fact(
            "Settings of the drill alone",
            *(tag("p", f"{name}: {words}") for name, words in sorted(each.adapted.items())),
        ),
        fact("Request IDs", *(tag("p", id_, class_="hash") for id_ in restore.request_ids)),
        fact("Deletion", mark(*CLEANUPS[each.cleanup]), *lines(_some(each.cleanup_message))),
    )
    heading = tag("h3", restore.db_instance_identifier, " ", result)
    like: State = "protected" if each.is_proven else "unprotected"
    return group(heading, f"Not proven: {why}." if why else "", like, [facts])


def _from(restore: RestoredInstance) -> tuple[Html, ...]:
    return (
        fact("Account", restore.account_id),
        fact("Regions", route(restore.source_region, restore.destination_region)),
        fact("Instance of the book", arn_line(restore.db_instance_arn)),
        fact("Restored backup", *_arn(restore.db_instance_automated_backups_arn)),
        fact("Restored moment", time_tag(restore.restore_time)),
    )


def _to(restore: RestoredInstance) -> tuple[Html, ...]:
    endpoint = restore.new_endpoint or ""
    if endpoint and restore.new_port is not None:
        endpoint += f":{restore.new_port}"
    return (
        fact("Restored as", restore.target_db_instance_identifier),
        fact("New ARN", *_arn(restore.restored_db_instance_arn)),
        fact("New resource ID", restore.restored_dbi_resource_id or ""),
        fact("New endpoint", endpoint),
        fact("Restore", mark(*_RESTORES[restore.outcome]), *lines(_some(restore.message))),
        fact("Error code", restore.error_code or ""),
    )


def _times(each: DrilledInstance) -> tuple[Html, ...]:
    restore = each.restore
    begun = restore.begun_at
    return (
        fact("Requested", time_tag(begun)),
        fact("Accepted by RDS", moment_after(begun, restore.restored_after)),
        fact("Available", moment_after(begun, restore.available_after)),
        fact("Settings verified", moment_after(begun, restore.finished_after)),
        fact("Check passed", moment_after(begun, each.checked_after)),
    )


def _objectives(each: DrilledInstance) -> tuple[Html, ...]:
    """Return the measured RTO and RPO beside their objectives."""
    rto = measured(each.checked_after, each.rto, is_met=each.meets_rto)
    rpo = measured(each.restored_age, each.rpo, is_met=each.meets_rpo)
    return tuple(
        fact(name, value, "; objective: ", objective)
        for name, (value, objective) in (("Measured RTO", rto), ("Measured RPO", rpo))
    )


def _settings(restore: RestoredInstance) -> tuple[Html, ...]:
    differences = sorted(restore.differences.items())
    return (
        fact("Verified settings of the drill", ", ".join(restore.verified)),
        fact("Not restored", *lines(restore.not_restored)),
        fact(
            "Settings that differ",
            *(tag("p", tag("span", name, class_="unmet"), f": {how}") for name, how in differences),
        ),
    )


def _output(output: str | None) -> list[Html]:
    return [tag("pre", output.replace("\r\n", "\n"))] if output else []


def _arn(arn: str | None) -> list[Html]:
    return [arn_line(arn)] if arn else []


def _some(text: str | None) -> tuple[str, ...]:
    return (text,) if text else ()
