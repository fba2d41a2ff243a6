"""The defaults of a policy: settings of the rules that omit them."""

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import BaseModel

from .._models._fields import KmsKeyId, RegionName, RetentionDays
from ._policy_document import Location
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


_BLOCKS = ("recovery", "drill")  # whose settings are merged one by one


def with_defaults(data: Any) -> tuple[Any, frozenset[Location]]:
    """Return a policy's data whose rules have the defaults, and the settings that they inherit.

    A setting that is null counts as omitted. Data of a wrong form is returned as it is, so that
    validation reports it. The place of an inherited setting begins with the rule's index.
    """
    if not isinstance(data, Mapping):
        return data, frozenset()
    policy = cast("Mapping[str, Any]", data)
    defaults, rules = _settings(policy.get("defaults")), policy.get("rules")
    if not defaults or not isinstance(rules, (list, tuple)):
        return policy, frozenset()
    inherited: set[Location] = set()
    complete = [
        _complete(rule, defaults, (index,), inherited)
        for index, rule in enumerate(cast("list[object]", rules))
    ]
    return {**policy, "rules": complete}, frozenset(inherited)


def _complete(
    given: object, defaults: dict[str, Any], place: Location, inherited: set[Location]
) -> object:
    """Return a rule, or a block in it, with the defaults of the settings that it omits.

    Args:
        given: The rule or the block.
        defaults: The defaults.
        place: The place of the rule or the block.
        inherited: Receives the places of the settings that come from the defaults.
    """
    if not isinstance(given, (Mapping, BaseModel)):
        return given
    own = _settings(cast("object", given))
    added: dict[str, Any] = {}
    for name, default in defaults.items():
        if name not in own:
            added[name] = default
            inherited.add((*place, name))
        elif name in _BLOCKS:
            added[name] = _complete(own[name], _settings(default), (*place, name), inherited)
    if isinstance(given, Mapping):
        return {**cast("Mapping[str, Any]", given), **added}
    return {**own, **added}


def _settings(value: object) -> dict[str, Any]:
    """Return the settings of a mapping or a model, without those that are null."""
    if isinstance(value, BaseModel):
        value = {name: getattr(value, name) for name in value.model_fields_set}
    if not isinstance(value, Mapping):
        return {}
    settings = cast("Mapping[str, Any]", value)
    return {name: setting for name, setting in settings.items() if setting is not None}
