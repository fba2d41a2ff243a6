"""The sides: one job, as each library does it.

What is measured is the importing, too: so nothing is imported here, and a library not
before ``load``.
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, Protocol

    Answer = Callable[[bytes], bytes]

    class Side(Protocol):
        """A library, and how it is used."""

        def load(self) -> None:
            """Imports it, with what a client needs."""
            ...

        def client(self, region_name: str, endpoint_url: str | None = None) -> Any:
            """Makes a client."""
            ...

        def answered(self, region_name: str, answer: Answer) -> Any:
            """Makes a client whose requests are answered without a network."""
            ...

        def start(self, client: Any, source_arn: str) -> object:
            """Starts a replication, with a retention and a tag, and reads the status."""
            ...

        def listing(self, client: Any) -> Iterator[Any]:
            """All backups, of all pages."""
            ...


class Boto3:
    """boto3, plain."""

    def load(self) -> None:
        self._boto3: Any = import_module("boto3")

    def client(self, region_name: str, endpoint_url: str | None = None) -> Any:
        return self._boto3.client("rds", region_name=region_name, endpoint_url=endpoint_url)

    def clients(self, region_names: list[str]) -> list[Any]:
        """One for each Region, by one session."""
        session = self._boto3.Session()
        return [session.client("rds", region_name=name) for name in region_names]

    def answered(self, region_name: str, answer: Answer) -> Any:
        client = self.client(region_name)
        answer_boto3(client, answer)
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

    def refused(self, client: Any) -> None:
        """Makes a call with a parameter of a wrong type, which botocore does not send."""
        try:
            client.start_db_instance_automated_backups_replication(SourceDBInstanceArn=14)
        except import_module("botocore.exceptions").ParamValidationError as error:
            str(error)
        else:
            raise AssertionError("it was sent")


class Ours:
    """This library."""

    def load_package(self) -> None:
        """Imports it alone: names are imported when they are first used."""
        self._library: Any = import_module("rds_backup_replication")

    def load_models(self) -> None:
        """Imports every model."""
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
        """One for each Region."""
        return [self._make(region_name=region_name) for region_name in region_names]

    def answered(self, region_name: str, answer: Answer) -> Any:
        client = self.client(region_name)
        answer_boto3(client.client, answer)
        return client

    def start(self, client: Any, source_arn: str) -> object:
        return client.start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn, backup_retention_period=14, tags={"env": "prod"}
        ).status  # it is read, as on the other sides

    def listing(self, client: Any) -> Iterator[Any]:
        yield from client.describe_db_instance_automated_backups()

    def refused(self, client: Any) -> None:
        """Makes a call with three mistakes: Region, retention and a tag."""
        try:
            client.start_db_instance_automated_backups_replication(
                source_db_instance_arn=f"arn:aws:rds:{client.region_name}:123456789012:db:mine",
                backup_retention_period=36,
                tags={"aws:env": "prod"},
            )
        except import_module("rds_backup_replication.exceptions").RequestValidationError as error:
            str(error)
        else:
            raise AssertionError("it was sent")


class OursOfSession(Ours):
    """This library, with a session of the user's."""

    def load(self) -> None:
        super().load()
        self._boto3: Any = import_module("boto3")

    def clients(self, region_names: list[str]) -> list[Any]:
        """One for each Region, by one session."""
        session = self._boto3.Session()
        return [self._make(session=session, region_name=name) for name in region_names]


def answer_boto3(client: Any, answer: Answer) -> None:
    """Answers where botocore would send: all that it does before and after, it does."""
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
            Raw(answer(body if isinstance(body, bytes) else body.encode())),
        )

    client.meta.events.register("before-send.rds", before_send)
