"""A filled example of each public model of fleets."""

from datetime import datetime, timedelta, timezone

from pydantic import BaseModel

from rds_backup_replication import fleet

from .wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN

NOON = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=timezone(timedelta(hours=5, minutes=30)))
ACCOUNT = SOURCE_ARN.split(":")[4]
TAGS = {"env": "prod", "empty": ""}
REASON = fleet.FleetReason(code="backups_off", message="They are off.", remedy="Enable them.")
SELECTOR = fleet.Selector(
    tags={"env": "*", "team": ("a", "b")},
    without_tags=("scratch",),
    identifiers=("orders-*",),
    engines=("postgres",),
    instance_classes=("db.r6g.*",),
    encrypted=False,
    read_replicas=True,
    cluster_members=False,
    not_=fleet.Selector(tags={"env": "dev"}),
)
MEMBER = fleet.Account(
    id=ACCOUNT, name="prod", role_arn=f"arn:aws:iam::{ACCOUNT}:role/audit", external_id="secret"
)
ORGANIZATION = fleet.Organization(
    role_name="audit", external_id="secret", units=("ou-ab12-12345678",), exclude=("222222222222",)
)
DRILL = fleet.DrillSettings(
    subnet_group="drills",
    security_group_ids=("sg-0d0d0d0d0d0d0d0d0",),
    instance_class="db.t3.small",
)
RECOVERY = fleet.RecoverySettings(
    tier=2,
    name="{name}-dr",
    subnet_group={"private": "dr", "*": "rest"},
    security_group_ids=("sg-0123456789abcdef0",),
    parameter_groups={"orders": "orders-dr"},
    option_groups={"orders": "orders-dr"},
    kms_key_id="alias/insights",
    instance_class="db.r6g.large",
    multi_az=False,
    rto=timedelta(hours=4),
    rpo=timedelta(minutes=30),
    drill=DRILL,
)
RULE = fleet.Rule(
    name="production",
    source_regions=("us-west-2", "eu-west-1"),
    destination_region="us-east-1",
    select=SELECTOR,
    accounts=(ACCOUNT,),
    replicate="never",
    minimum_instances=0,
    backup_retention_period=14,
    kms_key_id=KMS_KEY_ARN,
    tags=TAGS,
    maximum_lag=timedelta(days=1, microseconds=1),
    recovery=RECOVERY,
)
EVERYWHERE = fleet.Rule(name="rest", source_regions="enabled", destination_region="us-east-1")
DEFAULTS = fleet.Defaults.model_validate(
    {
        name: getattr(RULE, name)
        for name in fleet.Defaults.model_fields
        if name not in ("source_regions", "select")
    }
    | {"source_regions": "enabled", "select": SELECTOR}
)
LIMITS = fleet.Limits(stops=1, replacements=0, at_once=2)
ACCEPTANCE = fleet.Acceptance(
    reason="AWS Backup",
    until=NOON.date(),
    select=SELECTOR,
    accounts=("prod",),
    codes=("engine_not_supported",),
)
OBSERVED = fleet.ObservedState(
    dbi_resource_id="db-1",
    db_instance_automated_backups_arn=BACKUP_ARN,
    backup_retention_period=7,
    kms_key_id=KMS_KEY_ARN,
)
ACTION = fleet.PlannedAction(
    kind="stop",
    account_id=ACCOUNT,
    source_region="us-west-2",
    destination_region="us-east-1",
    moved_to="ca-central-1",
    maximum_lag=timedelta(hours=1),
    source_db_instance_arn=SOURCE_ARN,
    rule="production",
    backup_retention_period=14,
    kms_key_id=KMS_KEY_ARN,
    tags=TAGS,
    observed=OBSERVED,
    reasons=(REASON,),
)
RESULT = fleet.ActionResult(
    action=ACTION,
    outcome="failed",
    message="Ignoré.",
    is_protected=False,
    db_instance_automated_backups_arn=BACKUP_ARN,
)
RESTORE_REASON = fleet.RestoreReason(message="The key is disabled.", remedy="Enable it.")
RECORD = fleet.AuditRecord(
    account_id=ACCOUNT,
    source_region="us-west-2",
    destination_region="us-east-1",
    db_instance_arn=SOURCE_ARN,
    db_instance_identifier="orders",
    engine="postgres",
    rule="production",
    state="lagging",
    first_seen=NOON,
    accepted_until=NOON.date(),
    accepted_reason="AWS Backup",
    dbi_resource_id="db-1",
    db_instance_status="available",
    db_instance_automated_backups_arn=BACKUP_ARN,
    backup_status="replicating",
    backup_retention_period=7,
    kms_key_id=KMS_KEY_ARN,
    tags=TAGS,
    earliest_time=NOON - timedelta(days=7),
    latest_time=NOON,
    lag=timedelta(hours=2, microseconds=1),
    maximum_lag=timedelta(minutes=30),
    reasons=(REASON,),
    restorable="not_restorable",
    restore_reasons=(RESTORE_REASON,),
)
FINDING = fleet.Finding(
    code="too_few_instances",
    rule="production",
    account_id=ACCOUNT,
    message="The rule matches nothing.",
    remedy="Correct it.",
)
OTHER = fleet.OtherBackup(
    kind="unmanaged",
    account_id=ACCOUNT,
    source_region="us-west-2",
    destination_region="us-east-1",
    db_instance_arn=SOURCE_ARN,
    dbi_resource_id="db-1",
    db_instance_automated_backups_arn=BACKUP_ARN,
    backup_status="replicating",
    earliest_time=NOON - timedelta(days=7),
    latest_time=NOON,
    backup_retention_period=7,
    message="No rule matches.",
)
HEADROOM = fleet.Headroom(account_id=ACCOUNT, destination_region="us-east-1", quota=20, used=21)
STATE_CHANGE = fleet.StateChange(
    account_id=ACCOUNT,
    source_region="us-west-2",
    destination_region="us-east-1",
    db_instance_arn=SOURCE_ARN,
    before="protected",
    after="lagging",
)
MATCH_CHANGE = fleet.MatchChange(rule="production", before=2, after=1)
COMPARISON = fleet.Comparison(audited_at=NOON, changes=(STATE_CHANGE,), matches=(MATCH_CHANGE,))
READINESS = fleet.Readiness(checked_at=NOON, book_captured_at=NOON, findings=(RESTORE_REASON,))
# Every field of a model has a value in one of its examples.
FLEET_EXAMPLES: tuple[BaseModel, ...] = (
    *(MEMBER, ORGANIZATION, SELECTOR, RULE, EVERYWHERE, DEFAULTS, LIMITS, ACCEPTANCE),
    *(RECOVERY, DRILL),
    *(REASON, OBSERVED, ACTION, RESULT, RECORD, FINDING, OTHER, HEADROOM),
    *(STATE_CHANGE, MATCH_CHANGE, COMPARISON, RESTORE_REASON, READINESS),
    fleet.Policy(
        organization=ORGANIZATION,
        accounts=(MEMBER,),
        defaults=fleet.Defaults(tags=TAGS),
        rules=(RULE, EVERYWHERE),
        kms_key_ids={"us-east-1": KMS_KEY_ARN},
        replication_quota=40,
        limits=LIMITS,
        accepted=(ACCEPTANCE,),
    ),
    fleet.Plan(
        planned_at=NOON,
        policy_hash="0" * 64,
        accounts=(ACCOUNT,),
        actions=(ACTION,),
        findings=(FINDING,),
    ),
    fleet.ApplyReport(results=(RESULT,), interrupted=True),
    fleet.AuditReport(
        audited_at=NOON,
        accounts=(ACCOUNT,),
        rules=(RULE, EVERYWHERE),
        records=(RECORD,),
        findings=(FINDING,),
        unmanaged=(OTHER,),
        retained=(OTHER.model_copy(update={"kind": "retained"}),),
        headroom=(HEADROOM,),
        matches={"production": 1},
        comparison=COMPARISON,
        readiness=READINESS,
    ),
)
