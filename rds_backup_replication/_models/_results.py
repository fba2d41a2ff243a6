"""What the methods that are built on API operations return."""

from dataclasses import dataclass
from typing import Literal

from ._base import LateModel
from ._responses import DBInstanceAutomatedBackup


@dataclass(frozen=True)
class EnsureResult:
    """What ``ensure_replication`` did, and what there is now."""

    action: Literal["started", "unchanged", "replaced"]
    """``started``: this call started it. ``unchanged``: it replicated as asked
    already. ``replaced``: one with other settings was stopped for it."""
    backup: DBInstanceAutomatedBackup
    """The replicated backup; ``pending`` if it is new."""


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
    """Why a start would be refused, or what could not be found out."""

    code: CheckCode
    """Which reason; a code keeps its meaning across versions."""
    message: str
    """What is so, as a sentence."""
    remedy: str
    """What to do about it, as a sentence."""
