"""Checks of a policy's parts against each other."""

from pydantic import ValidationInfo

from .._arn import parse_arn
from ._policy_errors import FieldError


def is_key_in(region_name: str, kms_key_id: str | None) -> bool:
    """Return whether the key may be in the Region; only an ARN names another Region."""
    arn = parse_arn(kms_key_id or "")
    return arn is None or arn.region == region_name


def find_repeated(field: str, values: list[str]) -> list[FieldError]:
    return [
        ((index, field), f"{value} is used more than once")
        for index, value in enumerate(values)
        if value in values[:index]
    ]


def find_unknown_accounts(lists: list[tuple[str, ...]], info: ValidationInfo) -> list[FieldError]:
    """Return errors for accounts that the policy does not have; Organizations knows more."""
    if "accounts" not in info.data or info.data.get("organization", ()) is not None:
        return []
    known = {name for account in info.data["accounts"] for name in (account.id, account.name)}
    return [
        ((index, "accounts", position), f"{name} is not in accounts")
        for index, names in enumerate(lists)
        for position, name in enumerate(names)
        if name not in known
    ]
