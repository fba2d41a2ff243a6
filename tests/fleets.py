"""Fleets on the sandbox: many instances in several accounts."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from moto.backends import get_backend

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.fleet import Access, Policy
from rds_backup_replication.sandbox import Sandbox
from rds_backup_replication.sandbox._rds import SandboxRDSResponse
from rds_backup_replication.sandbox._state import make_distinct

ACCOUNTS = ("111111111111", "222222222222", "333333333333")
ONE = ACCOUNTS[:1]
REGIONS = ("ca-central-1", "eu-west-1", "us-west-1", "us-west-2")
DESTINATION = "us-east-1"
POLICY = """\
accounts:
{accounts}
replication_quota: {quota}
rules:
  - name: production
    source_regions: [{regions}]
    destination_region: us-east-1
    select:
      tags: {{env: prod}}
    backup_retention_period: 14
    maximum_lag: 30m
"""


def policy(accounts: tuple[str, ...] = ACCOUNTS, *, quota: int = 20, more: str = "") -> Policy:
    """Return a policy for the accounts; ``more`` is added to the end of its YAML."""
    lines = "\n".join(
        f'  - {{id: "{account}", role_arn: "arn:aws:iam::{account}:role/audit"}}'
        for account in accounts
    )
    text = POLICY.format(accounts=lines, quota=quota, regions=", ".join(REGIONS)) + more
    return Policy.from_yaml(text)


class Fleet:
    """Instances in several accounts, and the number of starts and stops of each.

    ``before_write`` is called before each start and stop, with the number of earlier ones.
    """

    def __init__(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox = sandbox
        self.access = Access(endpoint_url=sandbox.endpoint_url)
        self.writes: Counter[tuple[str, str]] = Counter()
        self.before_write: Callable[[int], object] | None = None
        for name in ("start", "stop"):
            method = f"{name}_db_instance_automated_backups_replication"
            monkeypatch.setattr(
                SandboxRDSResponse, method, self._count(name, getattr(SandboxRDSResponse, method))
            )

    def _count(self, name: str, respond: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """Return a handler that counts the requests that succeed."""

        def counted(response: Any) -> Any:
            if self.before_write is not None:
                self.before_write(self.writes.total())
            result = respond(response)
            self.writes[name, response.params["SourceDBInstanceArn"]] += 1
            return result

        return counted

    def add(self, account: str, region: str, identifier: str, **settings: Any) -> str:
        """Add an instance, with automated backups unless the settings differ; return its ARN."""
        tags = settings.pop("tags", {"env": "prod"})
        instance = get_backend("rds")[account][region].create_db_instance(
            {
                "db_instance_identifier": identifier,
                "db_instance_class": "db.t3.micro",
                "engine": "postgres",
                "allocated_storage": 20,
                "backup_retention_period": 7,
                "storage_encrypted": False,
                "tags": [{"Key": key, "Value": value} for key, value in tags.items()],
                **settings,
            }
        )
        make_distinct(instance)
        return str(instance.db_instance_arn)

    def client(self, account: str, region: str = DESTINATION) -> BackupReplicationClient:
        """Return a client with the account's credentials."""
        return BackupReplicationClient(client=self.boto3_client(account, "rds", region))

    def boto3_client(self, account: str, service: str, region: str) -> Any:
        """Return a boto3 client with the account's credentials."""
        sts = self.sandbox.boto3_client("sts", region)
        role = f"arn:aws:iam::{account}:role/test"
        credentials = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
        session: Any = self.sandbox.session
        return session.client(
            service,
            region_name=region,
            endpoint_url=self.sandbox.endpoint_url,
            aws_access_key_id=credentials["AccessKeyId"],
            aws_secret_access_key=credentials["SecretAccessKey"],
            aws_session_token=credentials["SessionToken"],
        )
