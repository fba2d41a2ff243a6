"""Which rule of a policy applies to each instance, and why the earlier rules do not."""

from functools import partial
from itertools import chain
from uuid import uuid4

from .._models import SourceInstance
from .._workflows.reasons import could_not_be_checked
from ._accounts import Account
from ._credentials import Access
from ._destination import ACCOUNT_ERRORS, AccountDestination, DestinationReader
from ._organization import list_enabled_regions, resolve_accounts
from ._parallel import OnProgress, map_in_order
from ._policy import Policy
from ._records import Record
from ._selector_patterns import matches_any


class RuleMatch(Record, frozen=True):
    """An instance, and the rule that applies to it."""

    account_id: str
    """Account of the instance."""
    source_region: str
    """Region of the instance."""
    db_instance_arn: str | None = None
    """ARN of the instance."""
    db_instance_identifier: str | None = None
    """Identifier of the instance."""
    rule: str | None = None
    """Name of the rule that applies; ``None`` if no rule matches."""
    mismatches: dict[str, str]
    """The first condition that the instance does not meet, by the name of each earlier rule."""


class MatchReport(Record, frozen=True):
    """The rules of all instances, and what could not be found out."""

    instances: tuple[RuleMatch, ...]
    """The instances, ordered by account, Region and ARN."""
    problems: tuple[str, ...]
    """Accounts and Regions that could not be listed, each as a sentence."""


def match_rules(
    policy: Policy,
    access: Access,
    *,
    accounts: tuple[str, ...] = (),
    identifiers: tuple[str, ...] = (),
    on_progress: OnProgress | None = None,
) -> MatchReport:
    """Find the rule of each instance.

    Args:
        policy: The policy.
        access: The credentials and the endpoint to use.
        accounts: Patterns of IDs or names of accounts; all accounts if empty.
        identifiers: Patterns of instance identifiers; all instances if empty.
        on_progress: Called with the number of finished accounts and their total.
    """
    run_id = uuid4().hex
    resolved, findings = resolve_accounts(policy, access, run_id)
    wanted = [
        account
        for account in sorted(resolved.accounts, key=lambda account: account.id)
        if matches_any(account.id, accounts)
        or (account.name and matches_any(account.name, accounts))
    ]
    scan = partial(_scan_account, resolved, access, run_id, identifiers)
    scans = map_in_order(scan, wanted, None, on_progress=on_progress, max_pending=None)
    found = list(chain.from_iterable(scans))
    return MatchReport(
        instances=tuple(match for match in found if isinstance(match, RuleMatch)),
        problems=(
            *(finding.message for finding in findings),
            *(problem for problem in found if isinstance(problem, str)),
        ),
    )


def _scan_account(
    policy: Policy, access: Access, run_id: str, identifiers: tuple[str, ...], account: Account
) -> list[RuleMatch | str]:
    """Return the matches of an account, and a sentence for each problem."""
    home = policy.rules[0].destination_region
    reader = DestinationReader(AccountDestination(account, home, access, run_id))
    found: list[RuleMatch | str] = []
    regions = {name for rule in policy.rules for name in _named_regions(rule.source_regions)}
    if any(rule.source_regions == "enabled" for rule in policy.rules):
        try:
            regions.update(list_enabled_regions(reader.context))
        except ACCOUNT_ERRORS as error:
            found.append(_problem(account, "which Regions are enabled", error, home))
    for region in sorted(regions):
        try:
            matches = [
                _match(policy, account.id, region, instance)
                for instance in reader.iter_instances(region)
                if matches_any(instance.db_instance_identifier, identifiers)
            ]
            matches.sort(key=lambda match: match.db_instance_arn or "")
            found += matches
        except ACCOUNT_ERRORS as error:  # noqa: PERF203  # other Regions may still work
            found.append(_problem(account, f"whether {region} has instances", error, region))
    return found


def _named_regions(source_regions: tuple[str, ...] | str) -> tuple[str, ...]:
    return () if isinstance(source_regions, str) else source_regions


def _match(policy: Policy, account_id: str, region: str, instance: SourceInstance) -> RuleMatch:
    mismatches: dict[str, str] = {}
    applies: str | None = None
    for rule in policy.rules:
        mismatch = policy.mismatch(rule, account_id, region, instance)
        if mismatch is None:
            applies = rule.name
            break
        mismatches[rule.name] = mismatch
    return RuleMatch(
        account_id=account_id,
        source_region=region,
        db_instance_arn=instance.db_instance_arn,
        db_instance_identifier=instance.db_instance_identifier,
        rule=applies,
        mismatches=mismatches,
    )


def _problem(account: Account, question: str, error: Exception, region: str) -> str:
    reason = could_not_be_checked(question, error, region)
    return f"Account {account.id}: {reason.message} {reason.remedy}"
