"""How to get at accounts: the credentials, and the clients made with them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import cached_property, lru_cache
from typing import Any, ClassVar, TypeVar

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
from botocore.utils import parse_timestamp
from pydantic import ConfigDict

from .._arn import parse_arn
from .._botocore.client_factory import CREATE_LOCK, quick_session
from .._client import BackupReplicationClient
from .._models import DBInstance, DBInstanceAutomatedBackup, ResponseModel
from .._operations import Operation
from .._workflows.lookup import (
    DESCRIBE_DB_INSTANCES,
    Context,
    DescribeDBInstancesRequest,
    backups_of,
    is_live,
    source_instance,
)
from ..exceptions import BackupReplicationError
from ._policy import Account


class NamedInstance(ResponseModel, frozen=True):
    """What tells an instance from others of its name."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore")

    db_instance_arn: str | None = None
    dbi_resource_id: str | None = None


Instance = DBInstance | NamedInstance
InstanceT = TypeVar("InstanceT", DBInstance, NamedInstance)

_NAME_DB_INSTANCES = Operation(
    "DescribeDBInstances", DescribeDBInstancesRequest, "DBInstances", NamedInstance
)


ACCOUNT_ERRORS = (BackupReplicationError, BotoCoreError, ClientError)
"""What one account or Region may fail with while the others go on."""

_ATTEMPTS = 5
_CONNECTIONS = 50  # of one client; threads beyond would open and drop connections


@dataclass(frozen=True)
class Access:
    """Whose credentials to use, and where AWS is."""

    profile_name: str | None = None
    """Profile of the AWS configuration; the environment's if omitted."""
    endpoint_url: str | None = field(default=None, repr=False)
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

        def fetch() -> dict[str, Any]:
            try:
                fetched: dict[str, Any] = fetcher.fetch_credentials()
                if parse_timestamp(fetched["expiry_time"]) > datetime.now(timezone.utc):
                    return fetched
                problem = "they have expired already, by this machine's clock"
            except (BotoCoreError, ClientError):
                raise
            except Exception as error:  # noqa: BLE001  # botocore's reading of it fails with any
                # Its text is the answer's, which may have credentials in it.
                problem = f"STS's answer cannot be read ({type(error).__name__})"
            raise CredentialRetrievalError(provider="assume-role", error_msg=problem)

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
        self._place = place
        self._backups: dict[str, list[DBInstanceAutomatedBackup]] = defaultdict(list)
        self._listed_at = 0.0

    @cached_property
    def context(self) -> Context:
        """Made when it is first needed, as that may fail too."""
        place = self._place
        # Adaptive: it slows down by itself where AWS throttles.
        retries: Any = {"mode": "adaptive", "total_max_attempts": _ATTEMPTS}
        session = _session(place.account, place.access, place.run_id, place.destination_region)
        # botocore would compose it anew for each request, in a tenth of a start's time.
        agent = session.user_agent()
        client = BackupReplicationClient(
            session=session,
            region_name=place.destination_region,
            config=Config(retries=retries, max_pool_connections=_CONNECTIONS, user_agent=agent),
            endpoint_url=place.access.endpoint_url,
        )
        return client._context()  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    def list_backups(self) -> None:
        """Lists what the destination keeps."""
        api = self.context.api
        self._listed_at = self.context.clock.monotonic()
        for backup in api.describe_db_instance_automated_backups(page_size=100):
            if backup.region != api.region_name and backup.db_instance_arn:  # else, its own
                self._backups[backup.db_instance_arn.lower()].append(backup)

    def instances(self, source_region: str) -> Iterator[DBInstance]:
        """All instances of a Region, page by page."""
        return self._listed(source_region, DESCRIBE_DB_INSTANCES)

    def instance_names(self, source_region: str) -> Iterator[NamedInstance]:
        """The same, read in a fraction of the time."""
        return self._listed(source_region, _NAME_DB_INSTANCES)

    def _listed(
        self, source_region: str, operation: Operation[DescribeDBInstancesRequest, InstanceT]
    ) -> Iterator[InstanceT]:
        client = self.context.client_in(source_region)
        wanted = self._place.account.id
        for instance in operation.iterate(client, DescribeDBInstancesRequest()):
            arn = parse_arn(instance.db_instance_arn or "")
            if arn is not None and arn.account_id != wanted:
                problem = f"they are of account {arn.account_id}, and not of {wanted}"
                raise CredentialRetrievalError(provider="the policy's account", error_msg=problem)
            yield instance

    def backups_of(self, instance: Instance) -> list[DBInstanceAutomatedBackup]:
        """The backups of an instance, as they were listed."""
        listed = self._backups.get((instance.db_instance_arn or "").lower(), ())
        return _of_same_resource(listed, instance)

    @property
    def age(self) -> float:
        """The seconds since the backups were listed."""
        return self.context.clock.monotonic() - self._listed_at

    def look_again(
        self, source_arn: str, source_region: str
    ) -> tuple[DBInstance | None, list[DBInstanceAutomatedBackup]]:
        """An instance and its backups, as they are now."""
        instance = source_instance(self.context.client_in(source_region), source_arn)
        if instance is None:
            return None, []
        return instance, _of_same_resource(backups_of(self.context.api, source_arn), instance)

    @property
    def live_count(self) -> int:
        """How many backups replicate to the destination."""
        return sum(is_live(backup) for backups in self._backups.values() for backup in backups)


def _of_same_resource(
    backups: Iterable[DBInstanceAutomatedBackup], instance: Instance
) -> list[DBInstanceAutomatedBackup]:
    """Those that are not of an earlier instance of the same name."""
    resource_id = instance.dbi_resource_id
    return [
        backup
        for backup in backups
        if resource_id is None or backup.dbi_resource_id in (None, resource_id)
    ]
