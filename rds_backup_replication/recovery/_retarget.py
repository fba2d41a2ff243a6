"""New target settings for a book, by the policy as it is now."""

from ..exceptions import RecoveryRefusedError
from ..fleet._policy import Policy, Rule
from ._book import BookEntry, RecoveryBook
from ._targets import LOST_FEATURES, plan_target, policy_fields


def retarget(book: RecoveryBook, policy: Policy) -> RecoveryBook:
    """Return a book whose target settings follow the policy as it is now.

    A capture asks the source Regions, which may be lost on the day. ``retarget`` asks nobody: it
    reads what the sources were like from the book, and what they become from the ``recovery``
    blocks of the policy. So another instance class or DB subnet group can still be chosen.

    Args:
        book: The book.
        policy: The policy, with the rules that the book names.

    Returns:
        The book with new identifiers, tiers, settings and objectives, and so with a new hash.

    Raises:
        RecoveryRefusedError: The policy lacks a rule of the book, or the rule has another
            destination than the backups.
    """
    rules = {rule.name: rule for rule in policy.rules}
    reasons: dict[str, None] = {}
    for entry in book.instances:
        rule = rules.get(entry.rule)
        if rule is None:
            reasons[f"The policy has no rule {entry.rule!r}, which the book names."] = None
        elif rule.destination_region != entry.destination_region:
            reasons[
                f"The rule {entry.rule!r} has the destination {rule.destination_region}, and the "
                f"backups are in {entry.destination_region}."
            ] = None
    if reasons:
        raise RecoveryRefusedError(list(reasons))
    return book.model_copy(
        update={"instances": tuple(_retarget(entry, rules[entry.rule]) for entry in book.instances)}
    )


def _retarget(entry: BookEntry, rule: Rule) -> BookEntry:
    plan = plan_target(entry.db_instance_identifier, entry.source, rule.recovery)
    return entry.model_copy(
        update={
            **policy_fields(rule, plan),
            "not_restored": (
                *(each for each in entry.not_restored if not each.startswith(LOST_FEATURES)),
                *plan.not_restored,
            ),
        }
    )
