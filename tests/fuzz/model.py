"""A plain model of replications: which backups exist, and which calls RDS refuses."""

from collections import defaultdict
from dataclasses import dataclass, field

from rds_backup_replication import exceptions as errors

ACCOUNT, SOURCE, DESTINATION = "123456789012", "us-west-2", "us-east-1"
Refusal = type[errors.ServiceError]


def arn_of(name: str) -> str:
    return f"arn:aws:rds:{SOURCE}:{ACCOUNT}:db:{name}"


@dataclass
class Backup:
    """A replicated backup. A retained one has the day of its stop."""

    arn: str
    name: str
    retention: int
    stopped_on: int | None = None


@dataclass
class Model:
    """Instances with their retention in days, replicated backups, planned faults, and the day."""

    instances: dict[str, int] = field(default_factory=dict[str, int])
    backups: list[Backup] = field(default_factory=list[Backup])
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    today: int = 0

    def existing(self) -> list[Backup]:
        """Return the active backups, and the retained ones that have not expired."""
        return [
            backup
            for backup in self.backups
            if backup.stopped_on is None or backup.stopped_on + backup.retention > self.today
        ]

    def active(self, name: str) -> Backup | None:
        found = (b for b in self.backups if b.name == name and b.stopped_on is None)
        return next(found, None)

    def take_attempts(self, operation: str) -> list[str]:
        """Remove an operation's faults, and return the attempts that take effect.

        These are each attempt whose response is lost, and the last attempt.
        """
        return [*(k for k in self.faults.pop(operation, []) if k == "lose"), "succeed"]

    def start(self, name: str, retention: int | None) -> Refusal | None:
        """Start a replication, or return the error of RDS's refusal."""
        if name not in self.instances:
            return errors.DBInstanceNotFoundFault
        if not self.instances[name]:
            return errors.InvalidDBInstanceStateFault
        if self.active(name) is not None:
            return errors.InvalidDBInstanceAutomatedBackupStateFault
        self.backups.append(Backup("", name, retention or self.instances[name]))
        return None

    def stop(self, name: str) -> Refusal | None:
        """Stop a replication, or return the error of RDS's refusal."""
        if name not in self.instances:
            return errors.DBInstanceNotFoundFault
        return None if self.end(name) else errors.InvalidDBInstanceStateFault

    def end(self, name: str) -> bool:
        """End an active replication. Return whether there was one."""
        active = self.active(name)
        if active is not None:
            active.stopped_on = self.today
        return active is not None
