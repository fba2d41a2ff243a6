"""The accounts that AWS Organizations lists, and the Regions that an account has enabled."""

import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, DataNotFoundError
from botocore.loaders import create_loader

from .._botocore.client_factory import SessionClients
from .._botocore.credential_errors import retrieval_error
from .._context import Context
from .._redact import hide_secrets
from ._accounts import Account, Organization
from ._credentials import Access, own_session
from ._policy import Policy
from ._records import Finding
from ._scan_guard import ScanGuard

_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 5})


def resolve_accounts(
    policy: Policy, access: Access, run_id: str, guard: ScanGuard | None = None
) -> tuple[Policy, list[Finding]]:
    """Return a policy with the accounts of its organization, and what could not be found out.

    Accounts that the policy lists keep their settings. A rule that names an account that does
    not exist is a finding, not an error, because all other rules can still be checked.

    Args:
        policy: The policy.
        access: The credentials that list the accounts, and the endpoint.
        run_id: Identifies one audit, plan or apply.
        guard: Watches the calls of an audit or a plan.

    Raises:
        BotoCoreError: The accounts could not be listed, and the policy lists none itself.
        ClientError: The accounts could not be listed, and the policy lists none itself.
    """
    organization = policy.organization
    if organization is None:
        return policy, []
    accounts = {account.id: account for account in policy.accounts}
    clients = SessionClients(own_session(access, run_id, guard), _CONFIG, access.endpoint_url)
    findings: list[Finding] = []
    failure: Exception | None = None
    for parent in organization.units or (None,):
        try:
            for listed in _list_accounts(clients, _home_region(policy), parent):
                is_active = listed.get("State") or listed.get("Status") or "ACTIVE"
                if is_active == "ACTIVE" and listed["Id"] not in organization.exclude:
                    account = _with_role(policy, organization, listed["Id"], listed.get("Name"))
                    known = accounts.setdefault(account.id, account)
                    if known.name is None:  # rules may use the organization's name
                        accounts[account.id] = known.model_copy(update={"name": account.name})
        except (BotoCoreError, ClientError) as error:  # noqa: PERF203  # others may be listed
            failure = error
            findings.append(_explain(error, parent))
    if failure is not None and not accounts:
        raise failure
    resolved = policy.model_copy(update={"accounts": tuple(accounts.values())})
    return resolved, findings or list(_find_unknown_accounts(resolved))


def account_for(policy: Policy, account_id: str) -> Account | None:
    """Return an account with its role; ``None`` if the account does not belong to the fleet.

    Nothing is listed: any account that is not excluded may belong to the organization.
    """
    for account in policy.accounts:
        if account.id == account_id:
            return account
    organization = policy.organization
    if organization is None or account_id in organization.exclude:
        return None
    return _with_role(policy, organization, account_id, None)


def list_enabled_regions(context: Context) -> list[str]:
    """Return the Regions that the account of a context has enabled, sorted.

    Raises:
        BotoCoreError: EC2 did not answer.
        ClientError: EC2 refused the request.
    """
    if context.clients is None:
        raise TypeError("a client made with client= cannot call EC2")
    client: Any = context.clients("ec2", context.region_name)
    with without_secrets():
        response = client.describe_regions()  # all that are enabled, unless AllRegions is true
    return sorted(region["RegionName"] for region in response["Regions"])


def _list_accounts(
    clients: SessionClients, region_name: str, parent: str | None
) -> Iterator[dict[str, Any]]:
    """Yield the accounts below a unit or root, or all accounts of the organization."""
    with without_secrets():
        client: Any = clients("organizations", region_name)
        if parent is None:
            for page in client.get_paginator("list_accounts").paginate():
                yield from page["Accounts"]
            return
        parents = [parent]
        for unit in parents:  # which grows
            for page in client.get_paginator("list_accounts_for_parent").paginate(ParentId=unit):
                yield from page["Accounts"]
            units = client.get_paginator("list_organizational_units_for_parent")
            for page in units.paginate(ParentId=unit):
                below = [child["Id"] for child in page["OrganizationalUnits"]]
                parents += [child for child in below if child not in parents]


@contextmanager
def without_secrets() -> Generator[None]:
    """Remove secrets from the errors of a call."""
    try:
        yield
    except Exception as error:
        hide_secrets(error)
        if failure := retrieval_error(error):
            raise failure from None
        raise


def _with_role(
    policy: Policy, organization: Organization, account_id: str, name: str | None
) -> Account:
    partition = _partition_of(_home_region(policy))
    return Account(
        id=account_id,
        name=name or None,
        role_arn=f"arn:{partition}:iam::{account_id}:role/{organization.role_name}",
        external_id=organization.external_id,
    )


def _home_region(policy: Policy) -> str:
    """Return a Region in the partition of the fleet; a replication never leaves a partition."""
    return policy.rules[0].destination_region


@cache
def _partition_of(region_name: str) -> str:
    try:
        partitions: Any = create_loader().load_data("partitions")["partitions"]
    except DataNotFoundError:  # a frozen program may lack the file
        partitions = []
    for partition in partitions:
        if re.fullmatch(str(partition["regionRegex"]), region_name):
            return str(partition["id"])
    return "aws"


def _explain(error: Exception, parent: str | None) -> Finding:
    whose = "of the organization" if parent is None else f"below {parent}"
    actions = "ListAccounts"
    if parent is not None:
        actions = "ListAccountsForParent and organizations:ListOrganizationalUnitsForParent"
    return Finding(
        code="could_not_be_checked",
        message=f"The accounts {whose} could not be listed: {str(error).removesuffix('.')}.",
        remedy=(
            "Use credentials of the organization's management account or of a delegated "
            f"administrator, and allow them organizations:{actions}."
        ),
    )


def _find_unknown_accounts(policy: Policy) -> Iterator[Finding]:
    known = {name for account in policy.accounts for name in (account.id, account.name)}
    for rule in policy.rules:
        for name in rule.accounts:
            if name not in known:
                yield Finding(
                    code="could_not_be_checked",
                    rule=rule.name,
                    message=f"The rule names {name}, which is no active account of the fleet.",
                    remedy="Correct the ID or name of the account, or remove it from the rule.",
                )
