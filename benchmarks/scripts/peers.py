"""The sides of other libraries, and all sides by their names."""

from __future__ import annotations

from importlib import import_module

from .sides import Boto3, Ours, OursOfSession, answer_boto3

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .sides import Answer, Side


class CapoRDS:
    """capo-rds: without botocore, with typed dicts."""

    def load(self) -> None:
        self._library: Any = import_module("capo_rds")
        self._make: Any = self._library.RDSClient

    def client(self, region_name: str, endpoint_url: str | None = None) -> Any:
        return self._make(region=region_name, endpoint=endpoint_url)

    def answered(self, region_name: str, answer: Answer) -> Any:
        zapros: Any = import_module("zapros")

        class Handler:
            def handle(self, request: Any) -> Any:
                headers = {"Content-Type": "text/xml"}
                return zapros.Response(200, headers, content=answer(request.body))

            def close(self) -> None:
                pass

            def wrap_with_middleware(self, factory: Any) -> Any:
                return factory(self)

        return self._make(http_handler=Handler(), region=region_name)

    def start(self, client: Any, source_arn: str) -> object:
        return client.start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn,
            backup_retention_period=14,
            tags=[{"key": "env", "value": "prod"}],
        )["db_instance_automated_backup"]["status"]

    def listing(self, client: Any) -> Iterator[Any]:
        yield from client.iter_describe_db_instance_automated_backups()


class TypedBoto3:
    """typed-boto3-sdk: pydantic models around boto3, and no paginators."""

    def load(self) -> None:
        self._library: Any = import_module("typed_boto3")
        self._models: Any = import_module("aws_resource_validator.pydantic_models.rds.rds_classes")

    def client(self, region_name: str, endpoint_url: str | None = None) -> Any:
        library = self._library
        config = library.ClientConfig(
            region=library.Region(region_name), endpoint_url=endpoint_url or None
        )
        return library.client(library.ServiceName.RDS, config)

    def answered(self, region_name: str, answer: Answer) -> Any:
        client = self.client(region_name)
        answer_boto3(client.raw, answer)
        return client

    def start(self, client: Any, source_arn: str) -> object:
        request = self._models.StartDBInstanceAutomatedBackupsReplicationMessageTypeDef(
            SourceDBInstanceArn=source_arn,
            BackupRetentionPeriod=14,
            Tags=[self._models.TagTypeDef(Key="env", Value="prod")],
        )
        answer = client.start_db_instance_automated_backups_replication(request)
        return answer.DBInstanceAutomatedBackup.Status

    def listing(self, client: Any) -> Iterator[Any]:
        marker = None
        while True:
            page = client.describe_db_instance_automated_backups(
                self._models.DescribeDBInstanceAutomatedBackupsMessageTypeDef(Marker=marker)
            )
            yield from page.DBInstanceAutomatedBackups
            marker = getattr(page, "Marker", None)  # absent from the last page's model
            if not marker:
                return


class ResourceValidator(Boto3):
    """aws-resource-validator: boto3, with parameters checked before they are sent."""

    def load(self) -> None:
        super().load()
        self._wrap: Any = import_module("aws_resource_validator").wrap_client

    def client(self, region_name: str, endpoint_url: str | None = None) -> Any:
        return self._wrap(super().client(region_name, endpoint_url))


SIDES: dict[str, Callable[[], Side]] = {
    "boto3": Boto3,
    "ours": Ours,
    "ours of session": OursOfSession,
    "capo-rds": CapoRDS,
    "typed-boto3-sdk": TypedBoto3,
    "aws-resource-validator": ResourceValidator,
}
