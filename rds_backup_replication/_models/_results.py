"""The results of the methods that are built of several API calls."""

from dataclasses import dataclass
from typing import Literal

from ._base import LateModel
from ._responses import DBInstanceAutomatedBackup


@dataclass(frozen=True)
class EnsureResult:
    """What ``ensure_replication`` did, and the backup that now replicates."""

    action: Literal["started", "unchanged", "replaced"]
    """``started``: this call started the replication. ``unchanged``: it had the requested
    settings already. ``replaced``: this call stopped a replication with other settings first."""
    backup: DBInstanceAutomatedBackup
    """The replicated backup; ``pending`` if the replication is new."""


CheckCode = Literal[
    "already_replicating",
    "backups_off",
    "cluster_not_supported",
    "could_not_be_checked",
    "drifted",
    "engine_not_supported",
    "instance_not_available",
    "instance_not_found",
    "kms_key_required",
    "lagging",
    "not_replicating",
    "over_quota",
    "region_pair_not_supported",
    "retained_with_another_key",
    "stopped",
]


class CheckReason(LateModel, frozen=True):
    """Why RDS would refuse a start, or a question that could not be answered."""

    code: CheckCode
    """The kind of reason; a code keeps its meaning across versions."""
    message: str
    """The fact, as a sentence."""
    remedy: str
    """What to do, as a sentence."""
