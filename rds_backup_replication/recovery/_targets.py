"""What a source becomes in the destination, by the recovery block of its rule."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .._arn import is_db_instance_identifier
from .._models._instance import DBInstance
from ..fleet._policy import Rule
from ..fleet._recovery_settings import ANY, RecoverySettings
from ._book import DrillTarget
from ._settings import InstanceSettings

_DEFAULT_GROUP = ("default.", "default:")
"""The names of RDS's own parameter and option groups begin with one of these."""
_GP3_IOPS = 3000
_GP3_THROUGHPUT = 125
"""The performance that each gp3 volume includes; RDS refuses to provision it for small ones."""
LOST_FEATURES = "the processor features of"
_PROVISIONED = ("gp3", "io1", "io2")
"""The storage types whose I/O operations are provisioned."""


@dataclass(frozen=True)
class TargetPlan:
    """What a restore makes of an instance."""

    identifier: str
    settings: InstanceSettings
    drill: DrillTarget
    not_restored: tuple[str, ...]
    """What the source has and the target does not."""
    unmapped: tuple[str, ...]
    """What the policy does not say and a restore needs, each as a sentence."""


def is_default_group(name: str) -> bool:
    """Return whether a parameter or option group is RDS's own, which nobody can change."""
    return name.startswith(_DEFAULT_GROUP)


def own_groups(names: Iterable[str | None]) -> set[str]:
    """Return the names of groups that somebody made."""
    return {name for name in names if name and not is_default_group(name)}


def plan_target(
    identifier: str, source: InstanceSettings, recovery: RecoverySettings
) -> TargetPlan:
    """Return what a restore makes of an instance.

    Args:
        identifier: Identifier of the instance.
        source: Settings of the instance.
        recovery: The recovery block of the rule that applies to the instance.
    """
    target_name = recovery.name.replace("{name}", identifier).lower()  # as RDS stores it
    groups, unmapped = _security_groups(source.vpc_security_group_ids or (), recovery)
    if not is_db_instance_identifier(target_name):
        unmapped.append(
            f"{target_name} cannot be the identifier of the restored instance: RDS allows 1 to 63 "
            "letters, digits and single hyphens, beginning with a letter. Change recovery.name in "
            "the policy."
        )
    db_instance_class = _find(recovery.instance_class, source.db_instance_class)
    not_restored: list[str] = []
    features = source.processor_features
    if features and db_instance_class != source.db_instance_class:
        features = None
        not_restored.append(
            f"{LOST_FEATURES} {source.db_instance_class}, because the class differs"
        )
    iops, throughput = _performance(source)
    has_insights = source.enable_performance_insights
    has_secret = source.manage_master_user_password
    settings = source.model_copy(
        update={
            "db_instance_class": db_instance_class,
            "processor_features": features,
            "iops": iops,
            "storage_throughput": throughput,
            "multi_az": source.multi_az if recovery.multi_az is None else recovery.multi_az,
            "db_subnet_group_name": _find(recovery.subnet_group, source.db_subnet_group_name),
            "db_parameter_group_name": _find_group(
                recovery.parameter_groups, source.db_parameter_group_name
            ),
            "option_group_name": _find_group(recovery.option_groups, source.option_group_name),
            "vpc_security_group_ids": groups,
            # The source's keys are in its Region.
            "performance_insights_kms_key_id": recovery.kms_key_id if has_insights else None,
            "master_user_secret_kms_key_id": recovery.kms_key_id if has_secret else None,
        }
    )
    drill = DrillTarget(
        db_subnet_group_name=recovery.drill.subnet_group,
        vpc_security_group_ids=tuple(sorted(set(recovery.drill.security_group_ids))),
        db_instance_class=recovery.drill.instance_class,
    )
    return TargetPlan(target_name, settings, drill, tuple(not_restored), tuple(unmapped))


def policy_fields(rule: Rule, plan: TargetPlan) -> dict[str, Any]:
    """Return the fields of an entry that depend on the policy alone, once its source is known."""
    return {
        "tier": rule.recovery.tier,
        "target_db_instance_identifier": plan.identifier,
        "target": plan.settings,
        "drill": plan.drill,
        "rto": rule.recovery.rto,
        "rpo": rule.recovery.rpo,
        "maximum_lag": rule.maximum_lag,
        "unmapped": plan.unmapped,
    }


def _find(names: dict[str, str] | str | None, own: str | None) -> str | None:
    """Return the target's name: the one for all, or that of a map, or else the source's own."""
    if isinstance(names, str):
        return names
    names = names or {}
    return names.get(own or ANY, names.get(ANY, own))


def _find_group(names: dict[str, str], own: str | None) -> str | None:
    """Return the target's group; a default group stays, unless the map has its very name."""
    if own is not None and is_default_group(own):
        return names.get(own, own)
    return _find(names, own)


def _security_groups(
    own: tuple[str, ...], recovery: RecoverySettings
) -> tuple[tuple[str, ...] | None, list[str]]:
    """Return the target's security groups, and a sentence if groups of the source have none."""
    names = recovery.security_group_ids
    if isinstance(names, tuple):
        return tuple(sorted(set(names))), []
    names = names or {}
    found = {each: names.get(each, names.get(ANY)) for each in own}
    groups = tuple(sorted({group for group in found.values() if group}))
    missing = [each for each, group in found.items() if not group]
    if not missing:
        return groups or None, []
    sentence = (
        f"The policy names no security group of the destination for {', '.join(missing)}. Set "
        "recovery.security_group_ids in the policy."
    )
    return groups or None, [sentence]


def _performance(source: InstanceSettings) -> tuple[int | None, int | None]:
    """Return the provisioned I/O operations and throughput, without what the storage includes."""
    if source.storage_type not in _PROVISIONED:
        return None, None
    if source.storage_type != "gp3":
        return source.iops, None  # only gp3 takes a throughput
    if (source.iops or 0) <= _GP3_IOPS and (source.storage_throughput or 0) <= _GP3_THROUGHPUT:
        return None, None
    return source.iops, source.storage_throughput


def find_not_restored(instance: DBInstance) -> tuple[str, ...]:
    """Return what an instance has that no recovery restores, each as a noun phrase."""
    domains = [each.fqdn or each.domain or "" for each in instance.domain_memberships or ()]
    roles = [
        f"{each.role_arn} ({each.feature_name})" if each.feature_name else each.role_arn or ""
        for each in instance.associated_roles or ()
    ]
    volumes = [each.volume_name or "" for each in instance.additional_storage_volumes or ()]
    replicas = [
        *(instance.read_replica_db_instance_identifiers or ()),
        *(instance.read_replica_db_cluster_identifiers or ()),
    ]
    stream = (instance.activity_stream_status or "stopped").lower() != "stopped"
    is_custom = (instance.engine or "").startswith("custom-")
    named = {
        "the membership in the domain": domains,
        "the IAM role": roles,
        "the additional storage volume": volumes,
        "the read replica": replicas,
        "the replication from": [
            instance.read_replica_source_db_instance_identifier
            or instance.read_replica_source_db_cluster_identifier
            or ""
        ],
        "the DB cluster": [instance.db_cluster_identifier or ""],
        "the TDE credentials": [instance.tde_credential_arn or ""],
        "the instance profile of RDS Custom": [instance.custom_iam_instance_profile or ""],
        "the capacity reservation": [instance.db_capacity_reservation_identifier or ""],
    }
    flags = {
        "the database activity stream": stream,
        "the settings of RDS Custom": is_custom,
        "the multi-tenant configuration": bool(instance.multi_tenant),
        "the customer-owned IP address": bool(instance.customer_owned_ip_enabled),
        "the DB security groups": bool(instance.db_security_groups),
    }
    found = [f"{kind} {name}" for kind, names in named.items() for name in sorted(names) if name]
    return (*found, *(words for words, is_set in flags.items() if is_set))
