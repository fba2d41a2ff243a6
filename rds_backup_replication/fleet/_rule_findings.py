"""Findings about the rules of a policy: which of them apply to too few instances, and why."""

from collections.abc import Collection, Iterator, Mapping

from ._policy import Policy, Rule
from ._records import Finding
from ._shadowed_rules import find_contradictory_rules, find_shadowed_rules

_MOVE_UP = "Move the rule up, narrow the earlier rules, or delete the rule."


def find_rule_problems(
    policy: Policy,
    matches: Mapping[str, int],
    taken: Mapping[tuple[str, str], int],
    incomplete: Collection[str],
) -> Iterator[Finding]:
    """Yield a finding for each rule that applies to fewer instances than it should.

    Args:
        policy: The policy.
        matches: The number of instances that each rule applies to, by the rule's name.
        taken: The number of instances that a rule matches and an earlier rule applies to, by the
            names of both.
        incomplete: Names of the rules whose instances could not all be listed.
    """
    can_never_apply = {
        **{rule.name: _contradictory(rule) for rule in find_contradictory_rules(policy)},
        **{rule.name: _covered(rule, by) for rule, by in find_shadowed_rules(policy)},
    }
    yield from can_never_apply.values()
    for rule in policy.rules:
        if rule.name in can_never_apply:
            continue
        count = matches.get(rule.name, 0)
        if count < rule.minimum_instances and rule.name not in incomplete:
            earlier = {by: n for (name, by), n in taken.items() if name == rule.name}
            yield _shadowed(rule, earlier) if earlier and not count else _too_few(rule, count)


def _covered(rule: Rule, earlier: Rule) -> Finding:
    return Finding(
        code="rule_shadowed",
        rule=rule.name,
        message=(
            f"The rule {rule.name} can never apply: the earlier rule {earlier.name} matches all "
            "instances that it could match."
        ),
        remedy=_MOVE_UP,
    )


def _contradictory(rule: Rule) -> Finding:
    return Finding(
        code="rule_matches_nothing",
        rule=rule.name,
        message=f"The rule {rule.name} can never match: its conditions exclude one another.",
        remedy="Correct its select.",
    )


def _shadowed(rule: Rule, earlier: Mapping[str, int]) -> Finding:
    names = " and ".join(sorted(earlier))
    return Finding(
        code="rule_shadowed",
        rule=rule.name,
        message=(
            f"The rule {rule.name} applies to no instance: the earlier "
            f"{'rule' if len(earlier) == 1 else 'rules'} {names} "
            f"{'applies' if len(earlier) == 1 else 'apply'} to all {sum(earlier.values())} "
            "that it matches."
        ),
        remedy=_MOVE_UP,
    )


def _too_few(rule: Rule, count: int) -> Finding:
    if not count:
        return Finding(
            code="rule_matches_nothing",
            rule=rule.name,
            message=f"The rule {rule.name} matches no instance.",
            remedy=(
                "Check its accounts, source Regions and conditions. If the rule may match nothing, "
                "set its minimum_instances to 0."
            ),
        )
    return Finding(
        code="too_few_instances",
        rule=rule.name,
        message=(
            f"The rule {rule.name} applies to {count} instances, fewer than its minimum_instances "
            f"of {rule.minimum_instances}."
        ),
        remedy="Find out which instances are missing, or correct minimum_instances.",
    )
