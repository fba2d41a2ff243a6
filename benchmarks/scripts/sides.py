"""The sides of a comparison: the same job, as each library does it.

Because imports are measured too, this module imports as little as possible, and each library only
in ``load``.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol

    Respond = Callable[[bytes], bytes]

    class Side(Protocol):
        """A library, and the ways to use it."""

        def load(self) -> None:
            """Import the library with everything that a client needs."""
            ...

        def client(self, region_name: str, endpoint_url: str | None = None) -> Any:
            """Create a client."""
            ...

        def offline_client(self, region_name: str, respond: Respond) -> Any:
            """Create a client that gets its responses from a function instead of the network."""
            ...

        def start(self, client: Any, source_arn: str) -> object:
            """Start a replication with a retention period and a tag, and return its status."""
            ...

        def listing(self, client: Any) -> Iterator[Any]:
            """Yield the backups of all pages."""
            ...


class Boto3:
    """Plain boto3."""

    def load(self) -> None:
        self._boto3: Any = import_module("boto3")

    def client(self, region_name: str, endpoint_url: str | None = None) -> Any:
        return self._boto3.client("rds", region_name=region_name, endpoint_url=endpoint_url)

    def clients(self, region_names: list[str]) -> list[Any]:
        """Create one client for each Region with one session."""
        session = self._boto3.Session()
        return [session.client("rds", region_name=name) for name in region_names]

    def offline_client(self, region_name: str, respond: Respond) -> Any:
        client = self.client(region_name)
        take_offline(client, respond)
        return client

    def start(self, client: Any, source_arn: str) -> object:
        return client.start_db_instance_automated_backups_replication(
            SourceDBInstanceArn=source_arn,
            BackupRetentionPeriod=14,
            Tags=[{"Key": "env", "Value": "prod"}],
        )["DBInstanceAutomatedBackup"]["Status"]

    def listing(self, client: Any) -> Iterator[Any]:
        paginator = client.get_paginator("describe_db_instance_automated_backups")
        for page in paginator.paginate():
            yield from page["DBInstanceAutomatedBackups"]

    def make_invalid_call(self, client: Any) -> None:
        """Make a call with a parameter of the wrong type, which botocore does not send."""
        try:
            client.start_db_instance_automated_backups_replication(SourceDBInstanceArn=14)
        except import_module("botocore.exceptions").ParamValidationError as error:
            str(error)
        else:
            raise AssertionError("the request was sent")


class Ours:
    """This library."""

    def load_package(self) -> None:
        """Import only the package, which imports each name when the name is first used."""
        self._library: Any = import_module("rds_backup_replication")

    def load_models(self) -> None:
        """Import the package and every model."""
        self.load_package()
        for name in self._library.__all__:
            if name not in ("BackupReplicationClient", "exceptions", "__version__"):
                getattr(self._library, name)

    def load(self) -> None:
        self.load_package()
        self._make: Any = self._library.BackupReplicationClient

    def client(self, region_name: str, endpoint_url: str | None = None) -> Any:
        return self._make(region_name=region_name, endpoint_url=endpoint_url)

    def clients(self, region_names: list[str]) -> list[Any]:
        """Create one client for each Region."""
        return [self._make(region_name=region_name) for region_name in region_names]

    def offline_client(self, region_name: str, respond: Respond) -> Any:
        client = self.client(region_name)
        take_offline(client.client, respond)
        return client

    def start(self, client: Any, source_arn: str) -> object:
        return client.start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn, backup_retention_period=14, tags={"env": "prod"}
        ).status  # the other sides read the status too

    def listing(self, client: Any) -> Iterator[Any]:
        yield from client.describe_db_instance_automated_backups()

    def make_invalid_call(self, client: Any) -> None:
        """Make a call with three errors: in the Region, the retention period and a tag."""
        try:
            client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=f"arn:aws:rds:{client.region_name}:123456789012:db:mine",
                backup_retention_period=36,
                tags={"aws:env": "prod"},
            )
        except import_module("rds_backup_replication.exceptions").RequestValidationError as error:
            str(error)
        else:
            raise AssertionError("the request was sent")


class OursWithSession(Ours):
    """This library with a session that the user passes."""

    def load(self) -> None:
        super().load()
        self._boto3: Any = import_module("boto3")

    def clients(self, region_names: list[str]) -> list[Any]:
        """Create one client for each Region with one session."""
        session = self._boto3.Session()
        return [self._make(session=session, region_name=name) for name in region_names]


def take_offline(client: Any, respond: Respond) -> None:
    """Replace the network with a function; botocore still serializes, signs and parses."""
    response = import_module("botocore.awsrequest").AWSResponse

    class Raw:
        def __init__(self, body: bytes) -> None:
            self._body = body

        def stream(self) -> Iterator[bytes]:
            yield self._body

    def before_send(request: Any, **_: object) -> object:
        body = request.body
        return response(
            request.url,
            200,
            {"Content-Type": "text/xml"},
            Raw(respond(body if isinstance(body, bytes) else body.encode())),
        )

    client.meta.events.register("before-send.rds", before_send)
