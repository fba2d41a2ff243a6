"""The accounts of an organization, and the enabled Regions of an account."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from rds_backup_replication.fleet import Access, Policy
from rds_backup_replication.fleet._destination import AccountDestination, DestinationReader
from rds_backup_replication.fleet._organization import list_enabled_regions, resolve_accounts
from rds_backup_replication.sandbox import Sandbox

from .wire import ScriptedRDS

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def policy(organization: dict[str, Any], *, accounts: Any = (), named: Any = ()) -> Policy:
    rule = {"name": "all", "source_regions": "enabled", "destination_region": "us-east-1"}
    organization = {"role_name": "audit", **organization}
    rules = [{**rule, "accounts": list(named)}]
    return Policy.from_dict(
        {"organization": organization, "accounts": list(accounts), "rules": rules}
    )


def numbers(resolved: Policy) -> list[str]:
    return [account.id for account in resolved.accounts]


class Listing(ScriptedRDS):
    """An Organizations that sends scripted responses."""

    def sends(self, status: int = 200, **body: Any) -> None:
        self.answers(json.dumps(body), status)

    def sends_accounts(self, *ids: str, token: str | None = None, **fields: str) -> None:
        accounts = [{"Id": number, "Name": f"n{number[0]}", **fields} for number in ids]
        body: dict[str, Any] = {"Accounts": accounts, "NextToken": token}
        self.sends(**{name: value for name, value in body.items() if value is not None})

    def resolve(self, given: Policy) -> Any:
        return resolve_accounts(given, Access(endpoint_url=self.endpoint_url), str(id(self)))


@pytest.fixture
def listing() -> Iterator[Listing]:
    with Listing() as server:
        yield server


ONE, TWO, THREE = "1" * 12, "2" * 12, "3" * 12


def test_organization_in_the_sandbox(rds_sandbox: Sandbox) -> None:
    """Suspended and excluded accounts are left out; units include those below them."""
    organizations = rds_sandbox.boto3_client("organizations", "us-east-1")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]

    def add(name: str) -> str:
        created = organizations.create_account(AccountName=name, Email=f"{name}@example.org")
        return str(created["CreateAccountStatus"]["AccountId"])

    def unit(parent: str, name: str) -> str:
        created = organizations.create_organizational_unit(ParentId=parent, Name=name)
        return str(created["OrganizationalUnit"]["Id"])

    first, second, third, suspended = map(add, ("first", "second", "third", "suspended"))
    outer = unit(root, "outer")
    inner = unit(outer, "inner")
    for account, parent in ((second, inner), (third, outer)):
        organizations.move_account(
            AccountId=account, SourceParentId=root, DestinationParentId=parent
        )
    organizations.close_account(AccountId=suspended)
    access = Access(endpoint_url=rds_sandbox.endpoint_url)

    own = {"id": first, "name": "mine", "role_arn": f"arn:aws:iam::{first}:role/own"}
    given = policy({"exclude": [third]}, accounts=[own], named=["mine", "second"])
    resolved, findings = resolve_accounts(given, access, "whole")
    assert findings == []
    assert resolved.accounts[0] == given.accounts[0]
    assert sorted(numbers(resolved)) == sorted(["123456789012", first, second])
    by_id = {account.id: account for account in resolved.accounts}
    assert by_id[second].name == "second"
    assert by_id[second].role_arn == f"arn:aws:iam::{second}:role/audit"
    assert by_id["123456789012"].role_arn == "arn:aws:iam::123456789012:role/audit"

    resolved, findings = resolve_accounts(policy({"units": [outer, inner]}), access, "units")
    assert (sorted(numbers(resolved)), findings) == (sorted([second, third]), [])

    destination = AccountDestination(resolved.accounts[0], "us-east-1", access, "regions")
    regions = list_enabled_regions(DestinationReader(destination).context)
    assert regions == sorted(regions)
    assert {"us-east-1", "us-west-2"} <= set(regions)


def test_policy_without_organization_lists_nothing() -> None:
    rule = {"name": "a", "source_regions": ["us-west-2"], "destination_region": "us-east-1"}
    given = Policy.from_dict({"accounts": [{"id": ONE}], "rules": [rule]})
    assert resolve_accounts(given, Access(endpoint_url="http://127.0.0.1:9"), "none") == (given, [])


def test_all_pages_of_accounts_are_listed(listing: Listing) -> None:
    listing.sends_accounts(ONE, token="a", Status="ACTIVE")
    listing.sends_accounts(token="b")  # an empty page ends nothing
    listing.sends_accounts(TWO, State="ACTIVE", Status="SUSPENDED")
    resolved, findings = listing.resolve(policy({}))
    assert (numbers(resolved), findings) == ([ONE, TWO], [])
    assert [json.loads(request.body).get("NextToken") for request in listing.received] == [
        None,
        "a",
        "b",
    ]


@pytest.mark.parametrize("state", ["SUSPENDED", "PENDING_CLOSURE", "PENDING_ACTIVATION", "CLOSED"])
@pytest.mark.parametrize("field", ["State", "Status"])
def test_accounts_that_are_not_active_are_left_out(
    listing: Listing, state: str, field: str
) -> None:
    listing.sends_accounts(ONE, **{field: state})
    assert listing.resolve(policy({}))[0].accounts == ()


def test_failed_listing_keeps_listed_accounts(listing: Listing) -> None:
    listing.sends(400, __type="AccessDeniedException", Message="no")
    resolved, (finding,) = listing.resolve(policy({}, accounts=[{"id": ONE}], named=["other"]))
    assert numbers(resolved) == [ONE]
    assert finding.code == "could_not_be_checked"
    assert "The accounts of the organization could not be listed" in finding.message
    assert "AccessDeniedException" in finding.message
    assert "organizations:ListAccounts." in finding.remedy


def test_failed_listing_of_all_accounts_is_raised(listing: Listing) -> None:
    listing.sends(400, __type="AccessDeniedException", Message="no")
    with pytest.raises(ClientError, match="AccessDenied"):
        listing.resolve(policy({}))


def test_failed_unit_hides_no_other_unit(listing: Listing) -> None:
    listing.sends(400, __type="ParentNotFoundException", Message="no")
    listing.sends_accounts(TWO)
    listing.sends(OrganizationalUnits=[])
    units = ["ou-aaaa-11111111", "ou-aaaa-22222222"]
    resolved, (finding,) = listing.resolve(policy({"units": units}))
    assert numbers(resolved) == [TWO]
    assert "below ou-aaaa-11111111 could not be listed" in finding.message
    assert "organizations:ListOrganizationalUnitsForParent" in finding.remedy


def test_unknown_account_of_a_rule_is_a_finding(listing: Listing) -> None:
    listing.sends_accounts(ONE, THREE)
    _, (finding,) = listing.resolve(policy({}, named=["n1", THREE, TWO]))
    assert (finding.code, finding.rule) == ("could_not_be_checked", "all")
    assert finding.message == f"The rule names {TWO}, which is no active account of the fleet."
