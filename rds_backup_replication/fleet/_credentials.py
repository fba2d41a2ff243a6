"""The credentials of each account: the caller's own, or those of a role."""

from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import lru_cache
from typing import Any

from botocore.client import BaseClient
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

from .._botocore.client_factory import CREATE_LOCK
from .._botocore.fast_loader import make_fast_session
from ._accounts import Account


@dataclass(frozen=True)
class Access:
    """The credentials and the endpoint to use."""

    profile_name: str | None = None
    """Profile in the AWS configuration files; botocore's default chain if omitted."""
    endpoint_url: str | None = field(default=None, repr=False)
    """URL of RDS, KMS and STS; AWS's own endpoints if omitted."""


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
                problem = "this machine's clock says that the credentials have already expired"
            except (BotoCoreError, ClientError):
                raise
            except Exception as error:  # noqa: BLE001  # botocore's parsing raises any type
                # The error's text may quote the response, which contains credentials.
                problem = f"the response of STS is unreadable ({type(error).__name__})"
            raise CredentialRetrievalError(provider="assume-role", error_msg=problem)

        return DeferredRefreshableCredentials(fetch, self.METHOD)


@lru_cache(maxsize=8)
def own_session(access: Access, run_id: str) -> Session:  # noqa: ARG001  # part of the cache key
    """Return the session with the caller's own credentials; each run has a new one."""
    return make_fast_session(access.profile_name)


@lru_cache(maxsize=64)
def account_session(account: Account, access: Access, run_id: str, region_name: str) -> Session:
    """Return the session for an account; each run has a new one.

    Args:
        account: The account.
        access: The credentials that assume the account's role, and the endpoint.
        run_id: Identifies one audit, plan or apply.
        region_name: Region of the STS endpoint.
    """
    own = own_session(access, run_id)
    if account.role_arn is None:
        return own
    session = make_fast_session(access.profile_name)
    provider = _RoleProvider(account, access, region_name, own)
    session.register_component("credential_provider", CredentialResolver([provider]))
    return session
