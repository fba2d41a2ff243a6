"""An RDS server on loopback, to try replication without an AWS account.

The sandbox is moto's server plus the operations that moto lacks. It serves any
client that accepts an endpoint URL: this library, boto3, or the AWS CLI. It needs
the extra ``sandbox``.

All data is in memory and is lost when the server stops. The server listens on
loopback only. It accepts any credentials, so it is not a security boundary.
"""

from ._moto import without_profile

try:
    with without_profile():
        from ._server import Sandbox
except ModuleNotFoundError as _error:
    if _error.name is None or _error.name.split(".")[0] not in ("flask", "flask_cors", "moto"):
        raise
    raise ModuleNotFoundError(
        "the sandbox needs an extra: pip install 'rds-backup-replication[sandbox]'",
        name=_error.name,
    ) from _error
from ._faults import OperationName
from ._lifecycle import Behavior

__all__ = ["Behavior", "OperationName", "Sandbox"]
