"""The base of all exceptions, and the details that exceptions carry."""

from dataclasses import dataclass


class BackupReplicationError(Exception):
    """The base class of all errors of this library."""

    __module__ = "rds_backup_replication.exceptions"  # where users import it from


@dataclass(frozen=True)
class InvalidParameter:
    """An invalid parameter of a call."""

    __module__ = BackupReplicationError.__module__

    parameter: str
    """Python name of the parameter, such as ``tags[0].key``."""
    given: str
    """The value's ``repr``, cut if long; hidden for secrets."""
    message: str
    """The rule that the value breaks."""

    def __str__(self) -> str:
        return f"{self.parameter}={self.given} {self.message}"


@dataclass(frozen=True)
class Difference:
    """A setting of an active replication that differs from the requested one."""

    __module__ = BackupReplicationError.__module__

    parameter: str
    """Python name of the parameter, such as ``kms_key_id``."""
    requested: object
    """The value that was requested."""
    actual: object
    """The value that the replication has."""
    uncertainty: str | None = None
    """Why the two values may still mean the same; ``None`` if they certainly differ."""
    is_permanent: bool = False
    """Whether RDS refuses the requested value until the existing backups are deleted."""

    @property
    def is_replaceable(self) -> bool:
        """Return whether a stop and a restart would apply the requested value."""
        return self.uncertainty is None and not self.is_permanent

    def __str__(self) -> str:
        text = f"{self.parameter} is {self.actual!r}, but {self.requested!r} was requested"
        return f"{text} (possibly the same: {self.uncertainty})" if self.uncertainty else text
