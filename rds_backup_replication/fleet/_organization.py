"""Placeholder until the discovery lands."""

from .._context import Context
from ._credentials import Access
from ._policy import Policy
from ._records import Finding


def resolve_accounts(policy: Policy, access: Access, run_id: str) -> tuple[Policy, list[Finding]]:
    return policy, []


def list_enabled_regions(context: Context) -> list[str]:
    return []
