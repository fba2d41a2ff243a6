"""The checks of a plan as a whole, before anything is sent."""

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

from ._accounts import Account
from ._durations import format_duration
from ._organization import account_for
from ._plan_records import Plan, PlannedAction
from ._policy import Limits, Policy, Rule

_CLOCK_TOLERANCE = timedelta(minutes=5)


def policy_for(plan: Plan, policy: Policy | None) -> Policy:
    """Return the policy; for ``None``, one for the plan's only account, with default limits.

    The current credentials act in that account.
    """
    if policy is not None:
        return policy
    accounts = tuple(Account(id=account_id) for account_id in plan.accounts)
    return Policy.model_construct(accounts=accounts, rules=(), organization=None, limits=Limits())


def find_refusals(
    plan: Plan,
    policy: Policy | None,
    *,
    max_age: timedelta,
    max_stops: int | None = None,
    max_replacements: int | None = None,
) -> tuple[str, ...]:
    """Return why a plan must not be applied as a whole, one sentence or two per reason.

    Args:
        plan: The plan.
        policy: The policy that the plan should have been made for; ``None`` if only one account
            has changes, in which the current credentials act.
        max_age: How old the plan may be.
        max_stops: The stops allowed; those of the policy if omitted.
        max_replacements: The replacements allowed; those of the policy if omitted.
    """
    limits = policy_for(plan, policy).limits
    stops = len(plan.stops)
    if policy is None:  # nobody can tell whether a stop ends a move
        stops = sum(action.kind == "stop" for action in plan.changes)
    return (
        *(_find_roles_needed(plan) if policy is None else _find_mismatches(plan, policy)),
        *_find_wrong_time(plan, max_age),
        *_find_excess(("stops", "stop"), stops, limits.stops if max_stops is None else max_stops),
        *_find_excess(
            ("replacements", "replace"),
            len(plan.replacements),
            limits.replacements if max_replacements is None else max_replacements,
        ),
    )


def _find_roles_needed(plan: Plan) -> Iterator[str]:
    if len(plan.accounts) != 1:
        yield (
            f"The plan is for {len(plan.accounts)} accounts. Pass its policy, policy=, which has "
            "their roles."
        )


def _find_mismatches(plan: Plan, policy: Policy) -> Iterator[str]:
    if plan.policy_hash != policy.content_hash:
        yield ("The plan was made for another policy, or the policy has changed since. Plan again.")
    else:
        yield from _find_foreign_actions(plan, policy)
    for account_id in sorted({action.account_id for action in plan.changes}):
        if account_for(policy, account_id) is None:
            yield f"The plan changes account {account_id}, which is not in the policy. Plan again."


def _find_foreign_actions(plan: Plan, policy: Policy) -> Iterator[str]:
    """Yield the changes that the policy does not ask for, as in a plan that somebody edited."""
    rules = {rule.name: rule for rule in policy.rules}
    for action in plan.changes:
        rule = rules.get(action.rule or "")
        if rule is None or not _asks_for(policy, rule, action):
            yield (
                f"The policy does not ask to {action.kind} {action.source_db_instance_arn} in "
                f"{action.destination_region}, at least not so. Plan again."
            )


def _asks_for(policy: Policy, rule: Rule, action: PlannedAction) -> bool:
    """Return whether a rule may have led to an action."""
    destination = action.moved_to or action.destination_region
    if destination != rule.destination_region or not rule.covers_region(action.source_region):
        return False
    if action.kind == "stop":
        is_end_of_move = action.moved_to is not None
        return rule.replicate == ("always" if is_end_of_move else "never")
    return (
        rule.replicate == "always"
        and rule.backup_retention_period in (None, action.backup_retention_period)
        and (action.kms_key_id is None or policy.key_for(rule) in (None, action.kms_key_id))
        and rule.tags.items() <= (action.tags or {}).items()
    )


def _find_wrong_time(plan: Plan, max_age: timedelta) -> Iterator[str]:
    age = datetime.now(timezone.utc) - plan.planned_at
    if age > max_age:
        yield (
            f"The plan is {format_duration(age, max_units=3)} old, and may be "
            f"{format_duration(max_age)} old at most. Plan again, or pass a longer max_age=."
        )
    if -age > _CLOCK_TOLERANCE:
        yield (
            f"The plan is from {format_duration(-age, max_units=2)} in the future. Correct the "
            "clock of this machine or of the one that planned, and plan again."
        )


def _find_excess(kind: tuple[str, str], count: int, limit: int) -> Iterator[str]:
    noun, verb = kind
    if count > limit:
        yield (
            f"The plan would {verb} {count} replication{'s' * (count != 1)}, and the limit is "
            f"{limit}. Check them, and pass max_{noun}={count} to allow them."
        )
