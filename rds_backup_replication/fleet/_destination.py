"""An account's destination Region: its backups, and the instances that they belong to."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError
from pydantic import ConfigDict

from .._arn import parse_arn
from .._botocore.credential_errors import retrieval_error
from .._context import Context
from .._models import DBInstanceAutomatedBackup, ResponseModel, SourceInstance
from .._operations import DESCRIBE, Operation
from .._redact import hide_secrets
from .._workflows.lookup import (
    DESCRIBE_DB_INSTANCES,
    DescribeDBInstancesRequest,
    Source,
    find_source_instance,
    is_same_id,
    list_backups,
)
from ..exceptions import BackupReplicationError
from ._accounts import Account
from ._credentials import Access, account_session
from ._scan_guard import ScanGuard

if TYPE_CHECKING:
    from .._models._instance import DBInstance


class InstanceIdentity(ResponseModel, frozen=True):
    """The identity of an instance: its ARN and its resource ID, which is never reused.

    Parsing these two fields takes a fraction of the time for all fields of ``DBInstance``.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore")

    db_instance_arn: str | None = None
    dbi_resource_id: str | None = None


Instance = SourceInstance | InstanceIdentity
# The model with all fields is loaded only by programs that use it.
InstanceT = TypeVar("InstanceT", SourceInstance, InstanceIdentity, "DBInstance")

_DESCRIBE_IDENTITIES = Operation(DescribeDBInstancesRequest, "DBInstances", InstanceIdentity)

ACCOUNT_ERRORS = (BackupReplicationError, BotoCoreError, ClientError)
"""Errors of one account or Region, which must not stop the others."""

_ATTEMPTS = 5
_PAGE_SIZE = 100  # the most that RDS allows
_CONNECTIONS = 50  # of one client; more threads would keep opening and closing connections


@dataclass(frozen=True)
class AccountDestination:
    """A destination Region of an account, and the means to call it."""

    account: Account
    destination_region: str
    access: Access
    run_id: str
    guard: ScanGuard | None = field(default=None, kw_only=True)
    """Watches the calls of an audit or a plan; ``None`` for an apply."""


class DestinationReader:
    """A reader of the backups in a destination, and of the instances in the source Regions."""

    def __init__(self, destination: AccountDestination) -> None:
        self._destination = destination
        self.listed: list[DBInstanceAutomatedBackup] = []
        """The replicated backups in the destination, once ``list_backups`` has listed them."""
        self._by_arn: dict[str, list[DBInstanceAutomatedBackup]] = defaultdict(list)
        self._by_resource_id: dict[str, list[DBInstanceAutomatedBackup]] = defaultdict(list)
        self._listed_at = 0.0

    @cached_property
    def context(self) -> Context:
        """Return the client's context, created on first use because creation may fail."""
        account, access = self._destination.account, self._destination.access
        region_name = self._destination.destination_region
        # Adaptive mode reduces the request rate when AWS throttles.
        retries: Any = {"mode": "adaptive", "total_max_attempts": _ATTEMPTS}
        run_id, guard = self._destination.run_id, self._destination.guard
        session = account_session(account, access, run_id, region_name, guard)
        # Without this, botocore builds the user agent for every request, in 10% of a start's time.
        agent = session.user_agent()
        config = Config(retries=retries, max_pool_connections=_CONNECTIONS, user_agent=agent)
        return Context.of_session(session, region_name, config, access.endpoint_url)

    def list_backups(self) -> None:
        """List and store the replicated backups in the destination."""
        context = self.context
        self._listed_at = context.clock.monotonic()
        for backup in DESCRIBE.list(context, max_records=_PAGE_SIZE):
            # RDS lists the backups of the Region's own instances, too.
            if backup.region != context.region_name and backup.db_instance_arn:
                self.listed.append(backup)
                self._by_arn[backup.db_instance_arn.lower()].append(backup)
                self._by_resource_id[(backup.dbi_resource_id or "").lower()].append(backup)

    def check_caller(self) -> str:
        """Return the ARN of the caller.

        Raise an error if the credentials belong to another account, or if STS does not say.
        """
        sts: Any = self.context.clients and self.context.clients("sts", self.context.region_name)
        try:
            caller: dict[str, Any] = sts.get_caller_identity()
        except Exception as error:
            hide_secrets(error)
            if failure := retrieval_error(error):
                raise failure from None
            raise
        self._check_account(caller.get("Account"))
        return str(caller.get("Arn"))

    def _check_account(self, account_id: str | None) -> None:
        wanted = self._destination.account.id
        if account_id != wanted:
            problem = f"the credentials belong to account {account_id}, not {wanted}"
            raise CredentialRetrievalError(provider="the policy's account", error_msg=problem)

    def iter_instances(self, source_region: str) -> Iterator[SourceInstance]:
        """Yield all instances of a source Region."""
        return self._iter_instances(source_region, DESCRIBE_DB_INSTANCES)

    def iter_identities(self, source_region: str) -> Iterator[InstanceIdentity]:
        """Yield the identities of all instances of a source Region."""
        return self._iter_instances(source_region, _DESCRIBE_IDENTITIES)

    def _iter_instances(
        self, source_region: str, operation: Operation[DescribeDBInstancesRequest, InstanceT]
    ) -> Iterator[InstanceT]:
        client = self.context.client_in(source_region)
        for instance in operation.iterate(self.context, DescribeDBInstancesRequest(), client):
            arn = parse_arn(instance.db_instance_arn or "")
            if arn is not None:
                self._check_account(arn.account_id)
            yield instance

    def backups_of(self, instance: Instance) -> list[DBInstanceAutomatedBackup]:
        """Return an instance's backups from the stored listing.

        The resource ID decides: an instance that was renamed keeps its backups, which may show its
        former name, and a new instance of that name has none of them.
        """
        of_arn = self._by_arn.get((instance.db_instance_arn or "").lower(), [])
        if not instance.dbi_resource_id:
            return of_arn
        of_id = self._by_resource_id.get(instance.dbi_resource_id.lower(), [])
        return of_id + [backup for backup in of_arn if backup.dbi_resource_id is None]

    def former_backup(self, instance: Instance) -> DBInstanceAutomatedBackup | None:
        """Return the active backup of another instance that had the name before, if any."""
        of_arn = self._by_arn.get((instance.db_instance_arn or "").lower(), [])
        return next(
            (
                backup
                for backup in of_arn
                if backup.is_active
                and instance.dbi_resource_id
                and backup.dbi_resource_id
                and not is_same_id(backup.dbi_resource_id, instance.dbi_resource_id)
            ),
            None,
        )

    @property
    def listing_age(self) -> float:
        """Return the seconds since the backups were listed."""
        return self.context.clock.monotonic() - self._listed_at

    def describe(
        self, source_arn: str, source_region: str
    ) -> tuple[SourceInstance | None, list[DBInstanceAutomatedBackup]]:
        """Describe an instance and its backups now; return both."""
        instance = find_source_instance(
            self.context, self.context.client_in(source_region), source_arn
        )
        if instance is None:
            return None, []
        return instance, list_backups(
            self.context, Source.of(source_arn, instance, self.context.region_name)
        )

    @property
    def active_count(self) -> int:
        """Return the number of listed backups that replicate to the destination."""
        return sum(backup.is_active for backup in self.listed)
