"""The conditions that select a rule's instances."""

from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field

from .. import _annotations
from .._models import SourceInstance
from ._policy_fields import Names, PolicyModel, TextOrSome
from ._selector_patterns import cover_patterns, matches_any, matches_pattern


class Selector(PolicyModel, frozen=True):
    """The conditions of a rule. An instance must meet all of them.

    In patterns, ``*`` stands for any characters and ``?`` for one character.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(validate_by_name=True, serialize_by_alias=True)

    tags: dict[str, TextOrSome] = Field(default_factory=dict)
    """Tags that the instance must have, all of them. A value is a pattern, or a list of patterns
    of which one must match."""
    without_tags: Names = ()
    """Keys of tags that the instance must not have."""
    identifiers: Names = ()
    """Patterns such as ``orders-*``. The instance identifier must match one of them; case
    does not matter."""
    engines: Names = ()
    """Patterns such as ``postgres`` or ``oracle-*``. The engine must match one of them; case
    does not matter."""
    instance_classes: Names = ()
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
        return self.mismatch(instance) is None

    def mismatch(self, instance: "_annotations.DBInstance | SourceInstance") -> str | None:
        """Return the first condition that the instance does not meet, in words, or ``None``."""
        mismatch = (
            self._mismatch_of_tags(instance)
            or self._mismatch_of_names(instance)
            or self._mismatch_of_kind(instance)
        )
        if mismatch is None and self.not_ is not None and self.not_.matches(instance):
            return "meets the conditions under not"
        return mismatch

    def _mismatch_of_tags(self, instance: "_annotations.DBInstance | SourceInstance") -> str | None:
        if not self.tags and not self.without_tags:
            return None
        tags = {tag.key: tag.value or "" for tag in instance.tag_list or ()}
        for key, wanted in self.tags.items():
            if key not in tags:
                return f"has no tag {key}"
            patterns = _list(wanted)
            if not any(matches_pattern(tags[key], pattern) for pattern in patterns):
                return f"tag {key} is {tags[key] or 'empty'}, not {_join(patterns)}"
        return next((f"has the tag {key}" for key in self.without_tags if key in tags), None)

    def _mismatch_of_names(
        self, instance: "_annotations.DBInstance | SourceInstance"
    ) -> str | None:
        for name, value, patterns in (
            ("identifier", instance.db_instance_identifier, self.identifiers),
            ("engine", instance.engine, self.engines),
            ("instance class", instance.db_instance_class, self.instance_classes),
        ):
            if patterns and not matches_any(value, patterns):
                return f"{name} is {value or 'unknown'}, not {_join(patterns)}"
        return None

    def _mismatch_of_kind(self, instance: "_annotations.DBInstance | SourceInstance") -> str | None:
        is_encrypted = bool(instance.storage_encrypted)
        if self.encrypted not in (None, is_encrypted):
            return "is encrypted" if is_encrypted else "is not encrypted"
        is_replica = bool(
            instance.read_replica_source_db_instance_identifier
            or instance.read_replica_source_db_cluster_identifier
        )
        if self.read_replicas not in (None, is_replica):
            return "is a read replica" if is_replica else "is not a read replica"
        is_member = bool(instance.db_cluster_identifier)
        if self.cluster_members not in (None, is_member):
            return "belongs to a DB cluster" if is_member else "does not belong to a DB cluster"
        return None

    def covers(self, other: "Selector") -> bool:
        """Return whether each instance that the other selector matches also matches this one.

        The answer is conservative: ``False`` may also mean that this is not known.
        """
        return (
            all(
                key in other.tags and cover_patterns(_list(wanted), _list(other.tags[key]))
                for key, wanted in self.tags.items()
            )
            and set(self.without_tags) <= set(other.without_tags)
            and _cover_names(self.identifiers, other.identifiers)
            and _cover_names(self.engines, other.engines)
            and _cover_names(self.instance_classes, other.instance_classes)
            and self.encrypted in (None, other.encrypted)
            and self.read_replicas in (None, other.read_replicas)
            and self.cluster_members in (None, other.cluster_members)
            and (self.not_ is None or (other.not_ is not None and other.not_.covers(self.not_)))
        )

    @property
    def contradicts_itself(self) -> bool:
        """Return whether the conditions exclude one another, so that no instance can match."""
        return any(key in self.without_tags for key in self.tags) or (
            self.not_ is not None and self.not_.covers(self)
        )


def _list(wanted: str | tuple[str, ...]) -> tuple[str, ...]:
    return (wanted,) if isinstance(wanted, str) else wanted


def _join(patterns: tuple[str, ...]) -> str:
    return " or ".join(pattern or "empty" for pattern in patterns)


def _cover_names(wide: tuple[str, ...], narrow: tuple[str, ...]) -> bool:
    """Return whether patterns that ignore case cover others; no patterns match any name."""
    if not wide or "*" in wide:
        return True
    lowered = [pattern.lower() for pattern in narrow]
    return bool(narrow) and cover_patterns([pattern.lower() for pattern in wide], lowered)
