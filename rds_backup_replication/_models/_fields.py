"""The types of request fields: what RDS accepts, checked before anything is sent.

A rule that depends on where the request goes finds the ``Destination`` in the
validation's context; without one (a model built by hand) only the form is checked.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, NoReturn, TypeVar, cast

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetPydanticSchema,
    StringConstraints,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import InitErrorDetails, core_schema

from .._arn import (
    Arn,
    Destination,
    is_automated_backup_id,
    is_db_instance_identifier,
    is_kms_alias,
    is_kms_key_id,
    is_region_name,
    parse_arn,
)
from .._redact import shortened_repr
from ._base import RequestModel, SequenceOf
from ._responses import Tag

T = TypeVar("T")

_MAX_TAGS = 50
_MAX_INTEGER = 2**31 - 1
# Pydantic's pattern engine knows \p{…}; Python's re does not.
_TAG_CHARACTERS = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"
_TAG_CHARACTERS_IN_WORDS = "letters, numbers, spaces and _ . : / = + - @"
_IDENTIFIER_RULE = (
    "1 to 63 letters, digits and hyphens, the first a letter, with no hyphen at the end or "
    "beside another"
)
_DB_INSTANCE_ARN_FORM = "arn:{partition}:rds:{region}:{12-digit account}:db:{instance identifier}"
_BACKUP_ARN_FORM = "arn:{partition}:rds:{region}:{12-digit account}:auto-backup:ab-{id}"
_KMS_FORMS = (
    "a key ARN (arn:{partition}:kms:{region}:{12-digit account}:key/{id}), an alias ARN, "
    "a key ID or an alias name (alias/{name})"
)
_RESOURCE_KINDS = {
    "auto-backup": "an automated backup",
    "cluster": "a DB cluster, and this operation takes DB instances alone",
    "cluster-auto-backup": "an automated backup of a DB cluster",
    "cluster-snapshot": "a DB cluster snapshot",
    "db": "a DB instance",
    "snapshot": "a DB snapshot",
}


def with_message(what_is_right: str) -> WrapValidator:
    """Puts a sentence for people in place of pydantic's own."""

    def wrap(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(what_is_right) from None

    return WrapValidator(wrap)


def _destination(info: ValidationInfo) -> Destination | None:
    return info.context if isinstance(info.context, Destination) else None


def _rds_arn(value: str, resource_type: str, form: str) -> tuple[Arn, str]:
    """The ARN's parts and its resource's id."""
    arn = parse_arn(value)
    if arn is None or arn.service != "rds":
        raise ValueError(f"must be an ARN of the form {form}")
    given_type, _, resource_id = arn.resource.partition(":")
    if given_type != resource_type:
        kind = _RESOURCE_KINDS.get(given_type, f"a resource of type {shortened_repr(given_type)}")
        raise ValueError(f"is the ARN of {kind}; it must have the form {form}")
    return arn, resource_id


def _partition_mistakes(arn: Arn, destination: Destination) -> list[str]:
    if arn.partition == destination.partition:
        return []
    return [
        (
            f"lies in partition {arn.partition!r}, and the client's Region "
            f"{destination.region_name} in {destination.partition!r}; "
            "nothing is replicated across partitions"
        )
    ]


def _raise_any(mistakes: list[str]) -> None:
    if mistakes:
        raise ValueError("; ".join(mistakes))


def _source_db_instance_arn(value: str, info: ValidationInfo) -> str:
    arn, identifier = _rds_arn(value, "db", _DB_INSTANCE_ARN_FORM)
    mistakes: list[str] = []
    if not is_db_instance_identifier(identifier):
        ending = shortened_repr(identifier)
        mistakes.append(f"ends in {ending}; an instance identifier has {_IDENTIFIER_RULE}")
    destination = _destination(info)
    if destination is not None:
        if arn.region == destination.region_name:
            mistakes.append(
                f"lies in {arn.region}, and so does this client. The call belongs to the "
                "destination Region, the one that is to keep the replicated backups: make a "
                "BackupReplicationClient with that Region, not the source's, as region_name"
            )
        mistakes += _partition_mistakes(arn, destination)
    _raise_any(mistakes)
    return value


def _automated_backups_arn(value: str, info: ValidationInfo) -> str:
    arn, backup_id = _rds_arn(value, "auto-backup", _BACKUP_ARN_FORM)
    if not is_automated_backup_id(backup_id):
        raise ValueError(f"must be an ARN of the form {_BACKUP_ARN_FORM}")
    destination = _destination(info)
    if destination is not None:
        mistakes = _partition_mistakes(arn, destination)
        if arn.region != destination.region_name:
            mistakes.append(
                f"lies in {arn.region}, and this client asks {destination.region_name}; "
                "the Region in an automated backup's ARN is the one that keeps it, so ask there"
            )
        _raise_any(mistakes)
    return value


def _region_name(value: str) -> str:
    # botocore builds a host name from it by text replacement: nothing but a name may pass.
    if not is_region_name(value):
        raise ValueError("must be the name of a Region, such as us-west-2")
    return value


def _source_region(value: str, info: ValidationInfo) -> str:
    source = parse_arn(info.data.get("source_db_instance_arn", ""))
    if source is not None and value != source.region:
        raise ValueError(f"must be the Region of source_db_instance_arn, {source.region}")
    return value


def _is_key_or_alias(resource: str) -> bool:
    kind, _, name = resource.partition("/")
    return (kind == "key" and is_kms_key_id(name)) or (kind == "alias" and is_kms_alias(name))


def _kms_key_id(value: str, info: ValidationInfo) -> str:
    if not value.startswith("arn:"):
        if not (is_kms_key_id(value) or (value.startswith("alias/") and _is_key_or_alias(value))):
            raise ValueError(f"must be {_KMS_FORMS}")
        return value
    arn = parse_arn(value)
    if arn is None or arn.service != "kms" or not _is_key_or_alias(arn.resource):
        raise ValueError(f"must be {_KMS_FORMS}")
    destination = _destination(info)
    if destination is not None:
        mistakes = _partition_mistakes(arn, destination)
        if arn.region != destination.region_name:
            mistakes.append(
                f"is a key in {arn.region}; the key must live in the destination Region, "
                f"{destination.region_name} (of a multi-Region key, name its replica there)"
            )
        _raise_any(mistakes)
    return value


def _db_instance_identifier(value: str) -> str:
    if not is_db_instance_identifier(value):
        raise ValueError(f"must have {_IDENTIFIER_RULE}")
    return value


def _raise_with(mistake: str, value: Any, handler: ValidatorFunctionWrapHandler) -> NoReturn:
    """Raises the mistake, and with it what else is wrong with the value."""
    ctx: dict[str, Any] = {"error": ValueError(mistake)}
    details: list[InitErrorDetails] = [{"type": "value_error", "input": value, "ctx": ctx}]
    try:
        handler(value)
    except ValidationError as error:
        for line in error.errors(include_url=False):
            ctx = line.get("ctx", {})
            details.append(
                {"type": line["type"], "loc": line["loc"], "input": line["input"], "ctx": ctx}
            )
    raise ValidationError.from_exception_data("", details)


def _no_reserved_prefix(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    if isinstance(value, str) and str.lower(value).startswith(("aws:", "rds:")):
        reserved = "must not begin with aws: or rds:, which are reserved for AWS"
        _raise_with(reserved, value, handler)
    return handler(value)


class _RequestTag(RequestModel, frozen=True):
    """A tag of one's own, which must follow RDS's rules; ``Tag`` itself takes any."""

    key: Annotated[
        str,
        StringConstraints(min_length=1, max_length=128, pattern=_TAG_CHARACTERS),
        with_message(f"must be 1 to 128 {_TAG_CHARACTERS_IN_WORDS}"),
        WrapValidator(_no_reserved_prefix),
    ]
    value: Annotated[
        str | None,
        Field(max_length=256, pattern=_TAG_CHARACTERS),
        with_message(f"must be up to 256 {_TAG_CHARACTERS_IN_WORDS}, or None"),
        WrapValidator(_no_reserved_prefix),
    ] = None


def _read_tags(value: Any) -> list[object]:
    """Brings the forms that tags may be given in to one: a list of Tags or of dicts."""
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        return [{"key": key, "value": item} for key, item in mapping.items()]
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise ValueError(  # noqa: TRY004  # pydantic lets a TypeError through
            'must be Tags, a mapping of keys to values, or boto3\'s [{"Key": …}]'
        )
    return list(cast("Iterable[object]", value))


def _read_tag(value: Any) -> object:
    if isinstance(value, Tag):
        return dict(value)
    if not isinstance(value, Mapping):
        raise ValueError(  # noqa: TRY004  # pydantic lets a TypeError through
            "must be a Tag, or a dict with Key and Value"
        )
    return cast("Mapping[object, object]", value)


def _key_of(tag: object) -> object:
    if isinstance(tag, Tag):
        return tag.key
    if not isinstance(tag, Mapping):
        return None
    fields = cast("Mapping[str, object]", tag)
    return fields.get("key", fields.get("Key"))


def _whole_list(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Adds what is wrong with the list to what is wrong with its tags."""
    tags = _read_tags(value)
    # As plain text: a class of one's own may have no hash.
    keys = Counter(str.__str__(key) for key in map(_key_of, tags) if isinstance(key, str))
    mistakes = [
        f"name the key {shortened_repr(key)} once, not {count} times"
        for key, count in keys.items()
        if count > 1
    ]
    if len(tags) > _MAX_TAGS:
        mistakes.append(f"be at most {_MAX_TAGS} tags, not {len(tags)}")
    if mistakes:
        _raise_with(f"must {' and '.join(mistakes)}", tags, handler)
    return handler(tags)


def validate_as(checked: Any) -> GetPydanticSchema:
    """Has a value checked as another type first, and then read as the annotated one."""
    return GetPydanticSchema(
        lambda source, handler: core_schema.chain_schema(
            [handler.generate_schema(checked), handler(source)]
        )
    )


def one_is_given(other: str) -> WrapValidator:
    """Has exactly one given of the field and the other, which stands before it."""

    def wrap(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        is_given = not (value is None or value is False)
        # A field that is not in the data was given, and wrong.
        other_is_given = other not in info.data or info.data[other] is not None
        if is_given != other_is_given:
            return handler(value)
        rule = f"not be given together with {other}" if is_given else f"be given, or else {other}"
        _raise_with(f"must {rule}", value, handler)

    return WrapValidator(wrap)


TagsInput = Mapping[str, str | None] | Iterable[Tag | Mapping[str, str]]
"""The forms that tags may be given in: ``{"env": "prod"}``, ``Tag`` models, boto3's dicts."""
Tags = Annotated[
    SequenceOf[Tag],
    validate_as(
        Annotated[
            list[Annotated[_RequestTag, BeforeValidator(_read_tag)]],
            WrapValidator(_whole_list),
            AfterValidator(lambda tags: [Tag(key=tag.key, value=tag.value) for tag in tags]),
        ]
    ),
]
"""Tags that follow RDS's rules, read from any form that the client takes."""
# Nothing in it: botocore would send an empty parameter for an empty list.
_no_empty_list = AfterValidator(lambda items: items or None)
OptionalTags = Annotated[Tags | None, _no_empty_list]
ListOf = Annotated[SequenceOf[T] | None, _no_empty_list]

SourceDBInstanceArn = Annotated[str, AfterValidator(_source_db_instance_arn)]
AutomatedBackupsArn = Annotated[str, AfterValidator(_automated_backups_arn)]
RegionName = Annotated[str, AfterValidator(_region_name)]
SourceRegionName = Annotated[RegionName, AfterValidator(_source_region)]
KmsKeyId = Annotated[str, AfterValidator(_kms_key_id)]
DBInstanceIdentifier = Annotated[str, AfterValidator(_db_instance_identifier)]
NonEmpty = Annotated[str, Field(min_length=1), with_message("must be a string that is not empty")]
RetentionDays = Annotated[
    int, Field(ge=1, le=35), with_message("must be a whole number of days from 1 to 35")
]
WholeNumber = Annotated[
    int,
    Field(ge=0, le=_MAX_INTEGER),
    with_message(f"must be a whole number from 0 to {_MAX_INTEGER}"),
]
PageSize = Annotated[
    int, Field(ge=20, le=100), with_message("must be a whole number from 20 to 100")
]
