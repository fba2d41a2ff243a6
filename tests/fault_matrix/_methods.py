"""The methods of the client: the state before each call, its result and the state after it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from rds_backup_replication import (
    BackupReplicationClient,
    DBInstanceAutomatedBackup,
    EnsureResult,
)

from ..wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN
from ._rds import (
    DELETE,
    DESCRIBE,
    DESCRIBE_INSTANCES,
    DESCRIBE_KEY,
    DESCRIBE_REGIONS,
    RESOURCE_ID,
    RESTORE,
    START,
    STOP,
    TARGET,
    WANTED_DAYS,
    Backup,
    PlainRDS,
    Settings,
)
from ._results import NEW, REPLICATING, RETAINED

FORMER = Settings(days=7, tags=(("env", "test"),))
"""The settings before a replacement."""
WANTED = FORMER._replace(days=WANTED_DAYS)
"""The settings after a replacement."""
ALIAS = "alias/backups"
STALE = " with two stale polls"
BY_ARN = " by the backup's ARN"
BY_RESOURCE_ID = " by the source's resource ID"
WITH_ALIAS = " with a key's alias"
REFUSED = " with a refused start"
REFUSED_ALWAYS = " with four refused starts"
SECRET_URL = "https://rds.us-west-2.amazonaws.com/?X-Amz-Signature=presigned-and-secret"

_ASKED_AGAIN = {DESCRIBE_INSTANCES: 4}
"""The further questions after an answer of the source Region that may be another a moment later."""

_replicating = lambda: PlainRDS([Backup("replicating")])  # noqa: E731


def summarize_state(rds: PlainRDS) -> str:
    """Return the state after a call in a few words."""
    if rds.is_restored:
        return "restored"
    if rds.active is None:
        return "retained" if rds.backups else "nothing"
    if rds.active.settings.days == WANTED_DAYS:
        return "replicates"
    return "the former one restarted" if rds.starts else "the former one"


@dataclass(frozen=True, eq=False)
class Method:
    """A method in one situation."""

    name: str
    call: Callable[[BackupReplicationClient], Any]
    make_rds: Callable[[], PlainRDS]
    result: str
    """The result without a fault."""
    end_state: str
    """The state after the call without a fault."""
    most_calls: Mapping[str, int]
    """The maximum number of calls by operation, under any fault."""
    situation: str = ""
    most_retries: Mapping[str, int] = field(default_factory=dict[str, int])
    """The maximum number of further calls by operation, under a transient fault."""
    polled_stop: str | None = None
    """The result if the client polls for it; RDS's response shows the state before the stop."""
    faulty_calls: tuple[int, ...] = ()
    """Numbers of the calls that get faults; all calls if empty."""
    polls: int = 3
    """How many polls reach the default timeout of a wait."""
    is_operation: bool = False

    @property
    def heading(self) -> str:
        """Return the method and its situation as a phrase."""
        return f"`{self.name}`{self.situation}"


def _operation(
    name: str,
    action: str,
    make_rds: Callable[[], PlainRDS],
    result: str,
    end_state: str,
    *,
    situation: str = "",
    faulty_calls: tuple[int, ...] = (),
    **keywords: object,
) -> Method:
    """Return the entry of a method that wraps a single operation of RDS."""

    def call(client: BackupReplicationClient) -> Any:
        result = getattr(client, name)(**keywords)
        return list(result) if name.startswith("describe") else result

    most_calls = {action: max(faulty_calls, default=1)}
    return Method(
        name,
        call,
        make_rds,
        result,
        end_state,
        most_calls,
        situation,
        faulty_calls=faulty_calls,
        is_operation=True,
    )


def _ensure(client: BackupReplicationClient) -> EnsureResult:
    return client.ensure_replication(
        source_db_instance_arn=SOURCE_ARN, backup_retention_period=WANTED_DAYS
    )


def _replacement(
    situation: str = "",
    result: str = f"`replaced`, {NEW}",
    end_state: str = "replicates",
    *,
    faulty_calls: tuple[int, ...] = (),
    polls: int = 3,
    most_calls: Mapping[str, int],
    most_retries: Mapping[str, int] | None = None,
    **rds: Any,
) -> Method:
    """Return an entry of ``replace_replication``."""
    return Method(
        "replace_replication",
        lambda client: client.replace_replication(
            source_db_instance_arn=SOURCE_ARN, backup_retention_period=WANTED_DAYS
        ),
        lambda: PlainRDS([Backup("replicating", FORMER)], has_former_instance=True, **rds),
        result,
        end_state,
        {DESCRIBE_REGIONS: 1, DESCRIBE_KEY: 1, **most_calls},
        situation,
        most_retries or {},
        faulty_calls=faulty_calls,
        polls=polls,
    )


def _ensure_stopped(client: BackupReplicationClient) -> DBInstanceAutomatedBackup | None:
    return client.ensure_stopped(source_db_instance_arn=SOURCE_ARN)


METHODS = (
    _operation(
        "start_db_instance_automated_backups_replication",
        START,
        PlainRDS,
        NEW,
        "replicates",
        source_db_instance_arn=SOURCE_ARN,
        backup_retention_period=WANTED_DAYS,
        pre_signed_url=SECRET_URL,
    ),
    _operation(
        "stop_db_instance_automated_backups_replication",
        STOP,
        _replicating,
        REPLICATING,
        "retained",
        source_db_instance_arn=SOURCE_ARN,
    ),
    _operation(
        "describe_db_instance_automated_backups",
        DESCRIBE,
        _replicating,
        f"{REPLICATING}, the backup of a namesake (`replicating`, 14 days)",
        "replicates",
    ),
    _operation(
        "describe_db_instance_automated_backups",
        DESCRIBE,
        lambda: PlainRDS([Backup("replicating")], is_paged=True),
        f"{REPLICATING}, the backup of a namesake (`replicating`, 14 days)",
        "replicates",
        situation=" over two pages",
        faulty_calls=(2,),
    ),
    _operation(
        "delete_db_instance_automated_backup",
        DELETE,
        lambda: PlainRDS([Backup("retained")]),
        "the backup (`deleting`, 14 days)",
        "nothing",
        db_instance_automated_backups_arn=BACKUP_ARN,
    ),
    _operation(
        "describe_source_regions",
        DESCRIBE_REGIONS,
        PlainRDS,
        "`us-west-2` (supported)",
        "nothing",
    ),
    _operation(
        "restore_db_instance_to_point_in_time",
        RESTORE,
        _replicating,
        "`restored` (`creating`)",
        "restored",
        source_db_instance_automated_backups_arn=BACKUP_ARN,
        target_db_instance_identifier=TARGET,
        use_latest_restorable_time=True,
    ),
    Method(
        "find_replicated_backup",
        lambda client: client.find_replicated_backup(source_db_instance_arn=SOURCE_ARN),
        _replicating,
        REPLICATING,
        "replicates",
        {DESCRIBE: 1},
    ),
    Method(
        "find_replicated_backup",
        lambda client: client.find_replicated_backup(
            source_db_instance_arn=SOURCE_ARN, dbi_resource_id=RESOURCE_ID.lower()
        ),
        _replicating,
        REPLICATING,
        "replicates",
        {DESCRIBE: 1},
        situation=BY_RESOURCE_ID,
    ),
    Method(
        "wait_until_replicating",
        lambda client: client.wait_until_replicating(source_db_instance_arn=SOURCE_ARN),
        lambda: PlainRDS([Backup("pending")], polls_before_replicating=1),
        REPLICATING,
        "replicates",
        # The client asks for the resource ID again if that may help, for 60 seconds.
        {DESCRIBE: 3, DESCRIBE_INSTANCES: 2},
        most_retries=_ASKED_AGAIN,
    ),
    Method(
        "wait_until_replicating",
        lambda client: client.wait_until_replicating(db_instance_automated_backups_arn=BACKUP_ARN),
        lambda: PlainRDS([Backup("pending")], polls_before_replicating=1),
        REPLICATING,
        "replicates",
        {DESCRIBE: 3},
        situation=BY_ARN,
        faulty_calls=(2,),
    ),
    Method(
        "wait_until_stopped",
        lambda client: client.wait_until_stopped(db_instance_automated_backups_arn=BACKUP_ARN),
        lambda: PlainRDS([Backup("retained")]),
        RETAINED,
        "retained",
        {DESCRIBE: 6, DESCRIBE_INSTANCES: 6},
        situation=BY_ARN,
        faulty_calls=(1,),
        polls=6,
    ),
    Method(
        "wait_until_stopped",
        lambda client: client.wait_until_stopped(source_db_instance_arn=SOURCE_ARN),
        lambda: PlainRDS([Backup("retained")]),
        RETAINED,
        "retained",
        {DESCRIBE: 6, DESCRIBE_INSTANCES: 7},
        most_retries=_ASKED_AGAIN,
        polls=6,
    ),
    Method(
        "ensure_replication",
        _ensure,
        PlainRDS,
        f"`started`, {NEW}",
        "replicates",
        {DESCRIBE_INSTANCES: 1, DESCRIBE: 6, START: 1},
        most_retries=_ASKED_AGAIN,
    ),
    Method(
        "ensure_replication",
        _ensure,
        lambda: PlainRDS(stale_polls=2),
        f"`started`, {NEW}",
        "replicates",
        {DESCRIBE_INSTANCES: 1, DESCRIBE: 6, START: 1},
        most_retries=_ASKED_AGAIN,
        situation=STALE,
    ),
    Method(
        "ensure_replication",
        lambda client: client.ensure_replication(
            source_db_instance_arn=SOURCE_ARN, kms_key_id=ALIAS
        ),
        _replicating,
        f"`unchanged`, {REPLICATING}",
        "replicates",
        # If RDS does not find the source, it refuses the start, and the client polls.
        {DESCRIBE_INSTANCES: 1, DESCRIBE: 1, DESCRIBE_KEY: 1, START: 1},
        most_retries=_ASKED_AGAIN,
        situation=WITH_ALIAS,
        faulty_calls=(1, 3),
    ),
    # Three checks, stops or starts reach the timeout. Two more starts have the former settings.
    _replacement(
        most_calls={DESCRIBE: 21, STOP: 3, DESCRIBE_INSTANCES: 5, START: 5},
        most_retries={DESCRIBE: 9, DESCRIBE_INSTANCES: 1, DESCRIBE_REGIONS: 2, DESCRIBE_KEY: 2},
    ),
    _replacement(
        STALE,
        faulty_calls=(9, 14),
        polls=6,
        most_calls={DESCRIBE: 10, STOP: 1, DESCRIBE_INSTANCES: 3, START: 3},
        stale_polls=2,
    ),
    _replacement(
        REFUSED,
        "ReplacementError",
        "the former one restarted",
        faulty_calls=(13,),
        most_calls={DESCRIBE: 13, STOP: 1, DESCRIBE_INSTANCES: 3, START: 4},
        refused_starts=1,
        reuses_arn=True,
    ),
    _replacement(
        REFUSED_ALWAYS,
        "ReplacementError",
        "retained",
        faulty_calls=(16,),
        most_calls={DESCRIBE: 6, STOP: 1, DESCRIBE_INSTANCES: 3, START: 4},
        refused_starts=4,
    ),
    Method(
        "ensure_stopped",
        _ensure_stopped,
        _replicating,
        REPLICATING,
        "retained",
        {DESCRIBE_INSTANCES: 1, DESCRIBE: 6, STOP: 1},
        most_retries=_ASKED_AGAIN,
        polled_stop=RETAINED,
    ),
    Method(
        "ensure_stopped",
        _ensure_stopped,
        lambda: PlainRDS([Backup("replicating")], stale_polls=2),
        REPLICATING,
        "retained",
        {DESCRIBE_INSTANCES: 1, DESCRIBE: 6, STOP: 1},
        most_retries=_ASKED_AGAIN,
        polled_stop=RETAINED,
        situation=STALE,
    ),
    Method(
        "ensure_stopped",
        _ensure_stopped,
        PlainRDS,
        "`None`",
        "nothing",
        {DESCRIBE_INSTANCES: 1, DESCRIBE: 7, STOP: 1},
        most_retries=_ASKED_AGAIN,
        situation=" where nothing replicates",
    ),
    Method(
        "check_replication",
        lambda client: client.check_replication(
            source_db_instance_arn=SOURCE_ARN, kms_key_id=KMS_KEY_ARN
        ),
        PlainRDS,
        "no reasons",
        "nothing",
        {DESCRIBE: 2, DESCRIBE_INSTANCES: 1, DESCRIBE_REGIONS: 1, DESCRIBE_KEY: 1},
    ),
)


def list_methods_without_entry() -> set[str]:
    """Return the public methods of the client that no entry calls."""
    public = inspect.getmembers(BackupReplicationClient, inspect.isfunction)
    names = {name for name, _ in public if not name.startswith("_")}
    return names - {method.name for method in METHODS} - {"close"}  # it calls nothing
