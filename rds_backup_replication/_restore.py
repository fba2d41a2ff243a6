"""The restore operation, apart from the others: its many models load only when it is used."""

from ._models._instance import DBInstance
from ._models._restore import RestoreDBInstanceToPointInTimeRequest
from ._operations import Operation

RESTORE = Operation(RestoreDBInstanceToPointInTimeRequest, "DBInstance", DBInstance)
