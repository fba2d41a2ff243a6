"""The accounts of a fleet: listed in the policy, or all of an organization."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from ._policy_fields import AccountId, ItemsOf, PolicyModel, Text, has_form

_ROLE_ARN = re.compile(r"arn:aws(?:-[a-z]+)*:iam::([0-9]{12}):role/[\w+=,.@/-]{1,512}", re.ASCII)

_ROLE_NAME = r"[A-Za-z0-9_+=,.@/-]{1,512}"
_UNIT = r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32}"


def _role_arn(value: str, info: ValidationInfo) -> str:
    match = _ROLE_ARN.fullmatch(value)
    if match is None:
        raise ValueError("must be the ARN of a role: arn:aws:iam::{12-digit account}:role/{name}")
    if match[1] != info.data.get("id", match[1]):
        raise ValueError(f"is a role in account {match[1]}, not in the account given as id")
    return value


class Account(PolicyModel, frozen=True):
    """An AWS account and the role that acts in it."""

    id: AccountId
    """The 12-digit account ID."""
    name: Text | None = None
    """A name for people, which rules may use instead of the ID."""
    role_arn: Annotated[str, AfterValidator(_role_arn)] | None = None
    """ARN of the role to assume; the current credentials are used if omitted."""
    external_id: Text | None = None
    """The external ID that the role's trust policy requires, if any."""


class Organization(PolicyModel, frozen=True):
    """The accounts that AWS Organizations lists, each with a role of the same name.

    Suspended accounts are left out. The current credentials must be those of the organization's
    management account or of a delegated administrator.
    """

    role_name: Annotated[
        str,
        has_form(_ROLE_NAME, "must be the name of a role, with its path if it has one"),
        Field(json_schema_extra={"pattern": f"^{_ROLE_NAME}$"}),
    ]
    """Name of the role to assume in each account, such as ``backup-audit``."""
    external_id: Text | None = None
    """The external ID that the roles' trust policies require, if any."""
    units: ItemsOf[
        Annotated[
            str,
            has_form(_UNIT, "must be the ID of an organizational unit (ou-…) or of a root (r-…)"),
            Field(json_schema_extra={"pattern": f"^({_UNIT})$"}),
        ]
    ] = ()
    """IDs of organizational units; accounts in them, and in units below them, belong to the
    fleet. The whole organization if omitted."""
    exclude: ItemsOf[AccountId] = ()
    """Accounts that do not belong to the fleet."""
