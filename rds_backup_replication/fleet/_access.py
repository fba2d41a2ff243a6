"""How to get at accounts: the credentials, and the clients made with them."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
)
from botocore.session import Session
from pydantic import ConfigDict

from .._client import BackupReplicationClient
from .._look import DESCRIBE_DB_INSTANCES, DescribeDBInstancesRequest, best_of, is_live
from .._models import DBInstance, DBInstanceAutomatedBackup, ResponseModel
from .._operations import Operation
from .._session import CREATE_LOCK, quick_session
from ..exceptions import BackupReplicationError
from ._policy import Account


class NamedInstance(ResponseModel, frozen=True):
    """What tells an instance from others of its name."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore")

    db_instance_arn: str | None = None
    dbi_resource_id: str | None = None


_NAME_DB_INSTANCES = Operation(
    "DescribeDBInstances", DescribeDBInstancesRequest, "DBInstances", NamedInstance
)

FAILURES = (BackupReplicationError, BotoCoreError, ClientError)
"""What one account or Region may fail with while the others go on."""

_ATTEMPTS = 5
_CONNECTIONS = 50  # of one client; threads beyond would open and drop connections


@dataclass(frozen=True)
class Access:
    """Whose credentials to use, and where AWS is."""

    profile_name: str | None = None
    """Profile of the AWS configuration; the environment's if omitted."""
    endpoint_url: str | None = None
    """Where RDS, KMS and STS are, if not at AWS."""


class _Role(CredentialProvider):
    """Credentials of a role, made when they are first needed and refreshed before they expire."""

    METHOD = "assume-role"

    def __init__(self, account: Account, access: Access, region_name: str, source: Session) -> None:
        super().__init__()
        self._source = source
        self._account = account
        self._access = access
        self._region_name = region_name

    def load(self) -> Any:
        credentials = self._source.get_credentials()
        if credentials is None:
            raise NoCredentialsError

        def create_client(service_name: str, **settings: Any) -> BaseClient:
            with CREATE_LOCK:
                return self._source.create_client(
                    service_name,
                    self._region_name,
                    endpoint_url=self._access.endpoint_url,
                    **settings,
                )

        arguments = {"RoleSessionName": "rds-backup-replication"}
        if self._account.external_id is not None:
            arguments["ExternalId"] = self._account.external_id
        fetcher = AssumeRoleCredentialFetcher(
            create_client, credentials, str(self._account.role_arn), arguments
        )

        def fetch() -> Any:
            try:
                return fetcher.fetch_credentials()
            except (BotoCoreError, ClientError):
                raise
            # The parser stumbles over an answer of STS with any type of error.
            except Exception as error:
                raise CredentialRetrievalError(
                    provider=str(self.METHOD), error_msg=f"{error!r:.200}"
                ) from error

        return DeferredRefreshableCredentials(fetch, self.METHOD)


@lru_cache(maxsize=8)
def _own_session(access: Access, run_id: str) -> Session:  # noqa: ARG001
    """With the caller's credentials; in another run, a new one."""
    return quick_session(access.profile_name)


@lru_cache(maxsize=64)
def _session(account: Account, access: Access, run_id: str, region_name: str) -> Session:
    """One for an account and a Region, whose STS is asked; in another run, a new one."""
    own = _own_session(access, run_id)
    if account.role_arn is None:
        return own
    session = quick_session(access.profile_name)
    role = _Role(account, access, region_name, own)
    session.register_component("credential_provider", CredentialResolver([role]))
    return session


@dataclass(frozen=True)
class Place:
    """An account, a destination in it, and how to get there."""

    account: Account
    destination_region: str
    access: Access
    run_id: str


class PlaceView:
    """What is seen from a place: what the destination keeps, and the sources' instances."""

    def __init__(self, place: Place) -> None:
        # Adaptive: it slows down by itself where AWS throttles.
        retries: Any = {"mode": "adaptive", "total_max_attempts": _ATTEMPTS}
        client = BackupReplicationClient(
            session=_session(place.account, place.access, place.run_id, place.destination_region),
            region_name=place.destination_region,
            config=Config(retries=retries, max_pool_connections=_CONNECTIONS),
            endpoint_url=place.access.endpoint_url,
        )
        self.context = client._context()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
        self._backups: dict[str, list[DBInstanceAutomatedBackup]] = defaultdict(list)

    def list_backups(self) -> None:
        """Lists what the destination keeps."""
        api = self.context.api
        for backup in api.describe_db_instance_automated_backups(page_size=100):
            if backup.region != api.region_name and backup.db_instance_arn:  # else, its own
                self._backups[backup.db_instance_arn.lower()].append(backup)

    def instances(self, source_region: str) -> Iterator[DBInstance]:
        """All instances of a Region, page by page."""
        client = self.context.client_in(source_region)
        return DESCRIBE_DB_INSTANCES.iterate(client, DescribeDBInstancesRequest())

    def instance_names(self, source_region: str) -> Iterator[NamedInstance]:
        """The same, read in a fraction of the time."""
        client = self.context.client_in(source_region)
        return _NAME_DB_INSTANCES.iterate(client, DescribeDBInstancesRequest())

    def backup_of(self, source_arn: str) -> DBInstanceAutomatedBackup | None:
        """The live backup of a source, or else the newest retained one."""
        return best_of(self._backups.get(source_arn.lower(), ()))

    def live_backup_of(self, source_arn: str) -> DBInstanceAutomatedBackup | None:
        """The live backup of a source, if there is one."""
        backup = self.backup_of(source_arn)
        return backup if backup is not None and is_live(backup) else None

    @property
    def live_count(self) -> int:
        """How many backups replicate to the destination."""
        return sum(is_live(backup) for backups in self._backups.values() for backup in backups)
