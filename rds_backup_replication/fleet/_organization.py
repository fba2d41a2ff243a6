"""The accounts of a fleet, with the roles that act in them."""

from ._accounts import Account
from ._policy import Policy


def account_for(policy: Policy, account_id: str) -> Account | None:
    """Return an account with its role; ``None`` if the account does not belong to the fleet."""
    for account in policy.accounts:
        if account.id == account_id:
            return account
    organization = policy.organization
    if organization is None or account_id in organization.exclude:
        return None
    return Account(
        id=account_id,
        role_arn=f"arn:aws:iam::{account_id}:role/{organization.role_name}",
        external_id=organization.external_id,
    )
