"""The credentials of each account: the caller's own, or those of a role."""

from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
    create_credential_resolver,
)
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
)
from botocore.session import Session
from botocore.utils import parse_timestamp

from .._botocore.client_factory import CREATE_LOCK
from .._botocore.fast_loader import make_fast_session
from ._accounts import Account
from ._scan_guard import ScanGuard

_CONNECT_TIMEOUT = 5.0  # seconds
_READ_TIMEOUT = 10.0


@dataclass(frozen=True)
class Access:
    """The credentials and the endpoint to use."""

    profile_name: str | None = None
    """Profile in the AWS configuration files; botocore's default chain if omitted."""
    endpoint_url: str | None = field(default=None, repr=False)
    """URL of RDS, KMS and STS; AWS's own endpoints if omitted."""
    connect_timeout: float | None = None
    """Seconds to wait for a connection; 5 in audits and plans and 60 in an apply if omitted."""
    read_timeout: float | None = None
    """Seconds to wait for a response; 10 in audits and plans and 60 in an apply if omitted."""

    def __post_init__(self) -> None:
        """Raise a ``ValueError`` if a timeout is not positive."""
        for name in ("connect_timeout", "read_timeout"):
            seconds = getattr(self, name)
            if seconds is not None and not seconds > 0:
                raise ValueError(f"{name}= must be a positive number of seconds, not {seconds}")


class _RoleProvider(CredentialProvider):
    """The credentials of an account's role.

    The role is assumed on first use. botocore refreshes the credentials before they expire.
    """

    METHOD = "assume-role"

    def __init__(self, account: Account, access: Access, region_name: str, source: Session) -> None:
        super().__init__()
        self._source = source
        self._account = account
        self._access = access
        self._region_name = region_name

    def load(self) -> Any:
        def create_client(service_name: str, **settings: Any) -> BaseClient:
            with CREATE_LOCK:
                return self._source.create_client(
                    service_name,
                    self._region_name,
                    endpoint_url=self._access.endpoint_url,
                    **settings,
                )

        # If the caller's own credentials are those of a role, botocore would ask STS in the default
        # Region, which may be the one that is lost.
        resolver = create_credential_resolver(self._source, region_name=self._region_name)
        self._source.register_component("credential_provider", resolver)
        credentials = self._source.get_credentials()
        if credentials is None:
            raise NoCredentialsError
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
                problem = "this machine's clock says that the credentials have already expired"
            except (BotoCoreError, ClientError):
                raise
            except Exception as error:  # noqa: BLE001  # botocore's parsing raises any type
                # The error's text may quote the response, which contains credentials.
                problem = f"the response of STS is unreadable ({type(error).__name__})"
            raise CredentialRetrievalError(provider="assume-role", error_msg=problem)

        return DeferredRefreshableCredentials(fetch, self.METHOD)


def _new_session(access: Access, run_id: str, guard: ScanGuard | None) -> Session:
    """Return a session whose clients have the timeouts of a scan, or of an apply."""
    session = make_fast_session(access.profile_name)
    timeouts = {"connect_timeout": access.connect_timeout, "read_timeout": access.read_timeout}
    if guard is not None:
        guard.watch(session, run_id)
        defaults = {"connect_timeout": _CONNECT_TIMEOUT, "read_timeout": _READ_TIMEOUT}
        timeouts = {name: timeouts[name] or default for name, default in defaults.items()}
    given: dict[str, Any] = {name: value for name, value in timeouts.items() if value is not None}
    session.set_default_client_config(Config(**given))
    return session


@lru_cache(maxsize=8)
def own_session(access: Access, run_id: str, guard: ScanGuard | None = None) -> Session:
    """Return the session with the caller's own credentials; each run has a new one."""
    return _new_session(access, run_id, guard)


@lru_cache(maxsize=64)
def account_session(
    account: Account,
    access: Access,
    run_id: str,
    region_name: str,
    guard: ScanGuard | None = None,
) -> Session:
    """Return the session for an account; each run has a new one.

    Args:
        account: The account.
        access: The credentials that assume the account's role, and the endpoint.
        run_id: Identifies one audit, plan or apply.
        region_name: Region of the STS endpoint.
        guard: Watches the clients of an audit or a plan; ``None`` for an apply.
    """
    own = own_session(access, run_id, guard)
    if account.role_arn is None:
        return own
    session = _new_session(access, run_id, guard)
    provider = _RoleProvider(account, access, region_name, own)
    session.register_component("credential_provider", CredentialResolver([provider]))
    return session
