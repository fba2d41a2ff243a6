"""What must be so of replications, told in plain terms."""

from collections import defaultdict
from dataclasses import dataclass, field

from rds_backup_replication import exceptions as errors

ACCOUNT, SOURCE, HERE = "123456789012", "us-west-2", "us-east-1"
Refusal = type[errors.ServiceError]


def arn_of(name: str) -> str:
    return f"arn:aws:rds:{SOURCE}:{ACCOUNT}:db:{name}"


@dataclass
class Backup:
    """What the model knows of one."""

    arn: str
    name: str
    retention: int
    stopped_on: int | None = None


@dataclass
class Model:
    """Instances with their days of backups, replicated backups, faults to come, and the day."""

    instances: dict[str, int] = field(default_factory=dict[str, int])
    backups: list[Backup] = field(default_factory=list[Backup])
    faults: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    today: int = 0

    def kept(self) -> list[Backup]:
        return [
            backup
            for backup in self.backups
            if backup.stopped_on is None or backup.stopped_on + backup.retention > self.today
        ]

    def live(self, name: str) -> Backup | None:
        found = (b for b in self.backups if b.name == name and b.stopped_on is None)
        return next(found, None)

    def attempts(self, operation: str) -> list[str]:
        """Those that take effect: each whose answer is lost, and the last."""
        return [*(k for k in self.faults.pop(operation, []) if k == "lose"), "answered"]

    def started(self, name: str, retention: int | None) -> Refusal | None:
        if name not in self.instances:
            return errors.DBInstanceNotFoundFault
        if not self.instances[name]:
            return errors.InvalidDBInstanceStateFault
        if self.live(name) is not None:
            return errors.InvalidDBInstanceAutomatedBackupStateFault
        self.backups.append(Backup("", name, retention or self.instances[name]))
        return None

    def stopped(self, name: str) -> Refusal | None:
        if name not in self.instances:
            return errors.DBInstanceNotFoundFault
        return None if self.end(name) else errors.InvalidDBInstanceStateFault

    def end(self, name: str) -> bool:
        live = self.live(name)
        if live is not None:
            live.stopped_on = self.today
        return live is not None
