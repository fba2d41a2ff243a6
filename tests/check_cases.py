"""A server with a response for each question of a check, and calls that its tests share."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from rds_backup_replication import BackupReplicationClient, CheckReason, CheckResult

from .loopback import NoResponse, Reply, Request, Response, error_xml
from .wire import (
    KMS_KEY_ARN,
    SOURCE_ARN,
    RDSServer,
    backup_xml,
    listing_xml,
    source_regions_xml,
    source_xml,
)

RESOURCE_ID = "db-JKIB2GFQ5RV7REPLZA4EXAMPLE"
KEY_ID = KMS_KEY_ARN.rpartition("/")[2]
DENIED = error_xml("AccessDenied", "User is not authorized.")


def source(**members: str) -> str:
    """Return a response that describes the source with its resource ID."""
    return source_xml(**{"DbiResourceId": RESOURCE_ID, **members})


def backup(**members: str) -> str:
    """Return a backup of the source."""
    return backup_xml(**{"DbiResourceId": RESOURCE_ID, **members})


def key(**members: object) -> str:
    """Return KMS's description of an enabled symmetric key."""
    enabled = {"KeyId": KEY_ID, "Arn": KMS_KEY_ARN, "Enabled": True, "KeyState": "Enabled"}
    return json.dumps({"KeyMetadata": {**enabled, "KeySpec": "SYMMETRIC_DEFAULT", **members}})


def kms_error(code: str, message: str = "Something is wrong.") -> str:
    """Return a refusal of KMS."""
    return json.dumps({"__type": code, "message": message})


class CheckedRDS(RDSServer):
    """A server for RDS and KMS, with one response to each question of a check.

    The questions: ``source`` and ``regions``; the ``backups`` of a resource ID; those that are
    ``named`` like the source, which are the same by default; and the ``key``.
    """

    def __init__(self) -> None:
        super().__init__(self._respond_to)
        self.questions: list[str] = []
        self._replies: dict[str, Reply] = {}
        self.reply(source=source(), regions=source_regions_xml(), backups=listing_xml(), key=key())

    def reply(self, **bodies: str | NoResponse) -> None:
        """Set the responses to questions."""
        for question, body in bodies.items():
            if isinstance(body, NoResponse):
                self._replies[question] = body
            else:
                self._replies[question] = Response(body, _status_of(body))

    def _respond_to(self, request: Request) -> Reply:
        question = _question(request)
        self.questions.append(question)
        return self._replies.get(question, self._replies["backups"])


def _status_of(body: str) -> int:
    if "<Error>" not in body and "__type" not in body:
        return 200
    return 500 if "Internal" in body else 400


def _question(request: Request) -> str:
    if request.headers.get("X-Amz-Target") == "TrentService.DescribeKey":
        return "key"
    action, asked = request.parameters["Action"], request.parameters
    if action == "DescribeDBInstances":
        assert asked["DBInstanceIdentifier"] == "mydatabase"
        return "source"
    if action == "DescribeSourceRegions":
        assert asked["RegionName"] == "us-west-2"
        return "regions"
    assert action == "DescribeDBInstanceAutomatedBackups"  # a check changes nothing
    if "DbiResourceId" in asked:
        assert asked["DbiResourceId"] == RESOURCE_ID
        return "backups"
    assert asked["DBInstanceIdentifier"] == "mydatabase"
    return "named"


@pytest.fixture
def server() -> Iterator[CheckedRDS]:
    with CheckedRDS() as server:
        yield server


def check(
    server: CheckedRDS, client: BackupReplicationClient | None = None, **keywords: Any
) -> CheckResult:
    """Return the result of a check, and verify its form."""
    checked = (client or server.client()).check_replication(
        source_db_instance_arn=SOURCE_ARN, **keywords
    )
    for reason in checked:
        assert reason.code in get_args(CheckReason.model_fields["code"].annotation)
        assert reason.message.strip().endswith(".")
        assert reason.remedy.endswith(".")
    assert {reason.code for reason in checked.unchecked} <= {"could_not_be_checked"}
    assert "could_not_be_checked" not in {reason.code for reason in checked.blockers}
    assert list(checked) == [*checked.blockers, *checked.unchecked]
    assert checked.is_clear == (list(checked) == [])
    return checked


def codes(server: CheckedRDS, **keywords: Any) -> list[str]:
    """Return the codes of the reasons of `check`."""
    return [reason.code for reason in check(server, **keywords)]
