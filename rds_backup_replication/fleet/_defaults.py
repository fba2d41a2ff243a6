"""The defaults of a policy: settings of the rules that omit them."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel

from .._models._fields import KmsKeyId, RegionName, RetentionDays
from ._policy_fields import (
    Duration,
    MinimumInstances,
    Names,
    PolicyModel,
    RuleTags,
    SourceRegions,
)
from ._recovery_settings import RecoverySettings
from ._selector import Selector


class Defaults(PolicyModel, frozen=True):
    """Settings for the rules that omit them.

    A rule's own setting replaces the default as a whole; tags, for example, are not merged. The
    ``recovery`` block is the exception: its settings are merged one by one, and so are those of
    ``drill`` in it.
    """

    source_regions: SourceRegions | None = None
    """Regions of the instances, or ``enabled``."""
    destination_region: RegionName | None = None
    """Region that keeps the replicated backups."""
    select: Selector | None = None
    """Conditions that the instances must meet."""
    accounts: Names | None = None
    """IDs or names of the instances' accounts."""
    replicate: Literal["always", "never", "ignore"] | None = None
    """Whether to replicate the instances."""
    minimum_instances: MinimumInstances | None = None
    """The smallest number of instances that each rule must match."""
    backup_retention_period: RetentionDays | None = None
    """Days to keep the replicated backups, 1 to 35."""
    kms_key_id: KmsKeyId | None = None
    """KMS key in the destination for encrypted instances."""
    tags: RuleTags | None = None
    """Tags for the replicated backups."""
    maximum_lag: Duration | None = None
    """The longest lag allowed."""
    recovery: RecoverySettings | None = None
    """What restored instances get in the destination."""


def with_defaults(data: Any) -> tuple[Any, frozenset[tuple[int, str]]]:
    """Return a policy's data whose rules have the defaults, and the fields that they inherit.

    A field that is null counts as omitted. Data of a wrong form is returned as it is, so that
    validation reports it.
    """
    if not isinstance(data, Mapping):
        return data, frozenset()
    policy = cast("Mapping[str, Any]", data)
    defaults, rules = _settings(policy.get("defaults")), policy.get("rules")
    if not defaults or not isinstance(rules, (list, tuple)):
        return policy, frozenset()
    complete: list[object] = []
    inherited: set[tuple[int, str]] = set()
    for index, rule in enumerate(cast("list[object]", rules)):
        own = _settings(rule)
        missing = {name: value for name, value in defaults.items() if name not in own}
        if "recovery" in own and "recovery" in defaults:
            missing["recovery"] = _merge(defaults["recovery"], own["recovery"])
        if isinstance(rule, Mapping):
            complete.append({**cast("Mapping[str, Any]", rule), **missing})
        else:
            complete.append({**own, **missing} if isinstance(rule, BaseModel) else rule)
        inherited.update((index, name) for name in missing if name not in own)
    return {**policy, "rules": complete}, frozenset(inherited)


def _merge(of_all: object, of_rule: object) -> object:
    """Return a rule's recovery block, or its drill block, with the settings that it omits."""
    if not isinstance(of_rule, (Mapping, BaseModel)):  # which validation reports
        return of_rule
    defaults, own = _settings(of_all), _settings(cast("object", of_rule))
    merged = {**defaults, **own}
    if "drill" in defaults and "drill" in own:
        merged["drill"] = _merge(defaults["drill"], own["drill"])
    return merged


def _settings(value: object) -> dict[str, Any]:
    """Return the settings of a mapping or a model, without those that are null."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in value.model_fields_set}
    if not isinstance(value, Mapping):
        return {}
    settings = cast("Mapping[str, Any]", value)
    return {name: setting for name, setting in settings.items() if setting is not None}
