"""An RDS on loopback, to try replication without an AWS account.

It is moto's server with the operations that moto lacks, and serves anything
that takes an endpoint URL: this library, boto3, the AWS CLI. Needs the extra
``sandbox``. All data is in memory, and gone when it stops. It listens on
loopback alone, checks no credentials, and is no security boundary.
"""

try:
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
