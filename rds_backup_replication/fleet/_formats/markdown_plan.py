"""A plan in GitHub-flavored Markdown, such as for a pull request."""

from collections.abc import Iterator, Sequence

from .._causes import Line, group_by_cause
from .._plan_records import Kind, Plan, PlannedAction
from .._wording import iso, pluralize
from .markdown_blocks import PLACE, cause_block, finding_blocks, join, place, with_details
from .markdown_text import code, table

_KINDS: tuple[tuple[str, Kind, str], ...] = (
    ("Starts", "start", "The destination has no replication of these instances."),
    ("Moves", "move", "A replication starts in the new destination; a later plan stops the old."),
    ("Replacements", "replace", "The active replication stops, and another one starts."),
    ("Stops", "stop", "The active replication stops."),
    ("Impossible", "impossible", "RDS would refuse these changes."),
    ("Over quota", "over_quota", "The destination's quota has no room."),
    ("Unknown", "unknown", "The required action could not be determined."),
)


def render_plan_markdown(plan: Plan) -> str:
    """Render a plan in GitHub-flavored Markdown, such as for a pull request.

    No text from AWS or from the policy creates markup, a link or a mention.

    Args:
        plan: The plan.

    Returns:
        The document. A cause names at most 20 of its instances.
    """
    rows = [(kind.replace("_", " "), f"{count:,}") for kind, count in plan.counts.items()]
    changes = pluralize(len(plan.changes), "change") if plan.changes else "No changes"
    return join(
        "# Backup replication plan",
        f"**{changes}.** Planned at {code(iso(plan.planned_at))}.",
        table(("Action", "Count"), rows) if rows else "",
        *(
            part
            for title, kind, note in _KINDS
            for part in _actions(title, note, [a for a in plan.actions if a.kind == kind])
        ),
        *finding_blocks(plan.findings),
    )


def _actions(title: str, note: str, actions: Sequence[PlannedAction]) -> Iterator[str]:
    if not actions:
        return
    yield f"## {title}: {len(actions):,}"
    yield note
    titles = (*PLACE, *(("Settings",) if actions[0].changes_something else ()))
    for cause in group_by_cause(actions, _action_lines, _action_names):
        yield from cause_block(cause.lines, *with_details(cause, titles, _action))


def _action_lines(action: PlannedAction) -> list[Line]:
    lines = ((("finding", reason.message), ("remedy", reason.remedy)) for reason in action.reasons)
    return [line for pair in lines for line in pair]


def _action_names(action: PlannedAction) -> tuple[str | None, ...]:
    return (action.source_db_instance_arn or "").rpartition(":")[2], action.rule


def _action(action: PlannedAction) -> tuple[str, ...]:
    days, key, moved_to = action.backup_retention_period, action.kms_key_id, action.moved_to
    settings = [] if days is None else [pluralize(days, "day")]
    settings += [f"key {code(key)}"] if key else []
    settings += [pluralize(len(action.tags), "tag")] if action.tags else []
    settings += [f"moved to {code(moved_to)}"] if moved_to else []
    where = place(action)
    return (*where, ", ".join(settings)) if action.changes_something else where
