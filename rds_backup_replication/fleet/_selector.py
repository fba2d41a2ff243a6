"""The conditions that select a rule's instances."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, ClassVar

from pydantic import ConfigDict, Field

from .._models._fields import NonEmpty
from ._policy_fields import PolicyModel, SomeOf

if TYPE_CHECKING:
    from .. import _annotations
    from .._models import SourceInstance


class Selector(PolicyModel, frozen=True):
    """The conditions of a rule. An instance must meet all of them.

    In patterns, ``*`` stands for any characters and ``?`` for one character.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        **{**PolicyModel.model_config, "validate_by_name": True, "serialize_by_alias": True}
    )

    tags: dict[str, str | SomeOf[str]] = Field(default_factory=dict)
    """Tags that the instance must have, all of them. A value is a pattern, or a list of patterns
    of which one must match."""
    without_tags: tuple[NonEmpty, ...] = ()
    """Keys of tags that the instance must not have."""
    identifiers: tuple[NonEmpty, ...] = ()
    """Patterns such as ``orders-*``. The instance identifier must match one of them; case
    does not matter."""
    engines: tuple[NonEmpty, ...] = ()
    """Patterns such as ``postgres`` or ``oracle-*``. The engine must match one of them; case
    does not matter."""
    instance_classes: tuple[NonEmpty, ...] = ()
    """Patterns such as ``db.r6g.*``. The DB instance class must match one of them; case does not
    matter."""
    encrypted: bool | None = None
    """Whether the storage of the instance must be encrypted; either if omitted."""
    read_replicas: bool | None = None
    """Whether the instance must be a read replica; either if omitted."""
    cluster_members: bool | None = None
    """Whether the instance must belong to a DB cluster (Multi-AZ or Aurora); either if omitted."""
    not_: Annotated["Selector | None", Field(alias="not")] = None
    """Conditions of the same form; an instance that meets all of them is not selected."""

    def matches(self, instance: "_annotations.DBInstance | SourceInstance") -> bool:
        """Return whether the instance meets all conditions."""
        tags = {tag.key: tag.value or "" for tag in instance.tag_list or ()}
        is_replica = bool(
            instance.read_replica_source_db_instance_identifier
            or instance.read_replica_source_db_cluster_identifier
        )
        return (
            _have(tags, self.tags)
            and not any(key in tags for key in self.without_tags)
            and _matches_any(instance.db_instance_identifier, self.identifiers)
            and _matches_any(instance.engine, self.engines)
            and _matches_any(instance.db_instance_class, self.instance_classes)
            and self.encrypted in (None, bool(instance.storage_encrypted))
            and self.read_replicas in (None, is_replica)
            and self.cluster_members in (None, bool(instance.db_cluster_identifier))
            and not (self.not_ is not None and self.not_.matches(instance))
        )


def _have(tags: Mapping[str, str], wanted: Mapping[str, str | tuple[str, ...]]) -> bool:
    """Return whether the tags include all wanted ones."""
    return all(
        key in tags
        and any(_matches(tags[key], p) for p in ((value,) if isinstance(value, str) else value))
        for key, value in wanted.items()
    )


def _matches_any(value: str | None, patterns: tuple[str, ...]) -> bool:
    """Return whether the value matches one of the patterns, if any, ignoring case."""
    lowered = (value or "").lower()
    return not patterns or any(_matches(lowered, pattern.lower()) for pattern in patterns)


def _matches(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern.replace("[", "[[]"))  # a bracket is an ordinary character
