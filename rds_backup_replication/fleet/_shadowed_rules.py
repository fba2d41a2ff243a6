"""Rules that can never apply to an instance."""

from ._policy import Policy, Rule


def find_shadowed_rules(policy: Policy) -> list[tuple[Rule, Rule]]:
    """Return each rule that can never apply, and the earlier rule that takes all its instances.

    Only single earlier rules are compared: a rule that several earlier rules shadow together is
    not found.
    """
    found: list[tuple[Rule, Rule]] = []
    for index, rule in enumerate(policy.rules):
        shadow = next((r for r in policy.rules[:index] if _takes_all(policy, r, rule)), None)
        if shadow is not None:
            found.append((rule, shadow))
    return found


def find_contradictory_rules(policy: Policy) -> list[Rule]:
    """Return the rules whose own conditions exclude one another."""
    return [rule for rule in policy.rules if rule.select.contradicts_itself]


def _takes_all(policy: Policy, earlier: Rule, later: Rule) -> bool:
    """Return whether the earlier rule matches each instance that the later one matches."""
    return (
        _covers_regions(earlier, later)
        and _covers_accounts(policy, earlier.accounts, later.accounts)
        and earlier.select.covers(later.select)
    )


def _covers_regions(earlier: Rule, later: Rule) -> bool:
    if later.source_regions == "enabled":
        is_same = earlier.destination_region == later.destination_region
        return earlier.source_regions == "enabled" and is_same
    return all(map(earlier.covers_region, later.source_regions))


def _covers_accounts(policy: Policy, earlier: tuple[str, ...], later: tuple[str, ...]) -> bool:
    if not earlier:
        return True
    if policy.organization is not None:  # whose accounts may not be known
        return bool(later) and set(later) <= set(earlier)
    return all(
        policy.names_account(earlier, account.id)
        for account in policy.accounts
        if policy.names_account(later, account.id)
    )
