"""The restore, apart from the other operations: its models are many, and used seldom."""

from ._models import DBInstance
from ._models._restore import RestoreDBInstanceToPointInTimeRequest
from ._operations import Operation

RESTORE = Operation(
    "RestoreDBInstanceToPointInTime",
    RestoreDBInstanceToPointInTimeRequest,
    "DBInstance",
    DBInstance,
)
