"""The ``recovery:`` blocks of a policy: what a restored instance gets in the destination."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from .._models._fields import KmsKeyId
from ._policy_fields import Duration, ItemsOf, PolicyModel, SomeOf, Text, has_form

NAME_PATTERN = r"[A-Za-z0-9-]*\{name\}[A-Za-z0-9-]*"
ANY = "*"
"""The key of a map that stands for all names that the map does not list."""

_SECURITY_GROUP = r"sg-[0-9a-f]{8,17}"


def _kind(value: Any) -> Literal["[map]", "[list]", "[text]"]:
    if isinstance(value, dict):
        return "[map]"
    return "[list]" if isinstance(value, (list, tuple)) else "[text]"


def _without_outer_hyphens(value: str) -> str:
    if value.startswith("-") or value.endswith("-"):
        raise ValueError("must neither begin nor end with a hyphen")
    return value


NamePattern = Annotated[
    str,
    has_form(NAME_PATTERN, "must be letters, digits and hyphens around {name}"),
    AfterValidator(_without_outer_hyphens),
    Field(json_schema_extra={"pattern": f"^{NAME_PATTERN}$"}),
]
SecurityGroupId = Annotated[
    str,
    has_form(_SECURITY_GROUP, "must be the ID of a security group: sg-0123456789abcdef0"),
    Field(json_schema_extra={"pattern": f"^{_SECURITY_GROUP}$"}),
]
TextOrMap = Annotated[
    Annotated[Text, Tag("[text]")] | Annotated[dict[Text, Text], Tag("[map]")],
    Discriminator(_kind),
]
"""One name for all instances, or a name for each name in the source Region; ``*`` is the rest."""
GroupsOrMap = Annotated[
    Annotated[SomeOf[SecurityGroupId], Tag("[list]")]
    | Annotated[dict[Text, SecurityGroupId], Tag("[map]")],
    Discriminator(_kind),
]


class DrillSettings(PolicyModel, frozen=True):
    """What an instance of a drill gets instead of the settings of a recovery."""

    subnet_group: Text | None = None
    """DB subnet group of the drill's instances; a drill needs one."""
    security_group_ids: ItemsOf[SecurityGroupId] = ()
    """VPC security groups of the drill's instances; a drill needs at least one."""
    instance_class: Text | None = None
    """Class of the drill's instances; that of the recovery if omitted."""


class RecoverySettings(PolicyModel, frozen=True):
    """What the restored instances of a rule get in the destination.

    A rule's block and the block of the defaults are merged setting by setting.
    """

    tier: Annotated[int, Field(ge=1, le=100)] = 1
    """Order of the recovery: all instances of tier 1 are restored before those of tier 2."""
    name: NamePattern = "{name}"
    """Identifier of the restored instance; ``{name}`` stands for that of the source."""
    subnet_group: TextOrMap | None = None
    """DB subnet group, or a map from the source's groups; the source's own name if omitted."""
    security_group_ids: GroupsOrMap | None = None
    """VPC security groups, or a map from the source's groups. IDs differ between Regions."""
    parameter_groups: dict[Text, Text] = Field(default_factory=dict)
    """DB parameter groups by the name of the source's group, which is the default."""
    option_groups: dict[Text, Text] = Field(default_factory=dict)
    """Option groups by the name of the source's group, which is the default."""
    kms_key_id: KmsKeyId | None = None
    """Key or alias in the destination for Performance Insights and the master user's secret. The
    storage keeps the key of the backup."""
    instance_class: TextOrMap | None = None
    """Instance class, or a map from the source's classes; the source's own class if omitted."""
    multi_az: bool | None = None
    """Whether to keep a standby in another Availability Zone; as the source if omitted."""
    rto: Duration | None = None
    """Recovery time objective: how long a restore may take, until it has been checked."""
    rpo: Duration | None = None
    """Recovery point objective: how old the restored moment may be."""
    drill: DrillSettings = Field(default_factory=DrillSettings)
    """Settings of drills."""
