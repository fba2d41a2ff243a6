"""The sides of other libraries, and a table of all sides by name."""

from __future__ import annotations

from importlib import import_module

from .sides import Boto3, Ours, OursWithSession

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from .sides import Respond, Side


class CapoRDS:
    """The library capo-rds, which returns typed dicts and does not use botocore."""

    def load(self) -> None:
        self._library: Any = import_module("capo_rds")
        self._make: Any = self._library.RDSClient

    def client(self, region_name: str, endpoint_url: str | None = None) -> Any:
        return self._make(region=region_name, endpoint=endpoint_url)

    def offline_client(self, region_name: str, respond: Respond) -> Any:
        zapros: Any = import_module("zapros")

        class Handler:
            def handle(self, request: Any) -> Any:
                headers = {"Content-Type": "text/xml"}
                return zapros.Response(200, headers, content=respond(request.body))

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


SIDES: dict[str, Callable[[], Side]] = {
    "boto3": Boto3,
    "ours": Ours,
    "ours with session": OursWithSession,
    "capo-rds": CapoRDS,
}
