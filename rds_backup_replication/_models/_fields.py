"""The types of request fields, with RDS's rules, which apply before anything is sent.

Rules that depend on the client's Region take the ``Destination`` from the validation context.
A model that is built by hand has no context, so only the form of its values is checked.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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
    is_bare_kms_key_id,
    is_db_instance_identifier,
    is_kms_alias,
    is_kms_key_id,
    parse_arn,
)
from .._redact import name_blanks, short_repr
from .._regions import explain_region_name
from ._base import RequestModel, SequenceOf
from ._responses import Tag

T = TypeVar("T")

MAX_TAGS = 50
RESERVED_PREFIXES = ("aws:", "rds:")
"""Tag keys and values do not begin with these, in any capitals."""
_MAX_INTEGER = 2**31 - 1
# Elsewhere RDS ignores a presigned URL, and signing one costs time.
_PRESIGNING_PARTITIONS = {"aws-us-gov"}
# Only pydantic's pattern engine knows \p{…}; Python's re does not.
_TAG_CHARACTERS = r"^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"
_TAG_CHARACTERS_IN_WORDS = "letters, numbers, spaces and _ . : / = + - @"
_IDENTIFIER_RULE = (
    "1 to 63 letters, digits and hyphens, beginning with a letter, without a hyphen at the end and "
    "without two hyphens in a row"
)
_DB_INSTANCE_ARN_FORM = "arn:{partition}:rds:{region}:{12-digit account}:db:{instance identifier}"
_HTTPS_URL = re.compile(r"https://[^\s/?#]+[^\s]*", re.IGNORECASE)
_BACKUP_ARN_FORM = "arn:{partition}:rds:{region}:{12-digit account}:auto-backup:ab-{id}"
_KMS_FORMS = (
    "a key ARN (arn:{partition}:kms:{region}:{12-digit account}:key/{id}), an alias ARN, "
    "a key ID or an alias name (alias/{name})"
)
_RESOURCE_KINDS = {
    "auto-backup": "an automated backup",
    "cluster": "a DB cluster, and this operation accepts only DB instances",
    "cluster-auto-backup": "an automated backup of a DB cluster",
    "cluster-snapshot": "a DB cluster snapshot",
    "db": "a DB instance",
    "snapshot": "a DB snapshot",
}


def with_message(rule: str) -> WrapValidator:
    """Replace pydantic's messages about a value with one sentence."""

    def wrap(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            raise ValueError(rule) from None

    return WrapValidator(wrap)


def _destination(info: ValidationInfo) -> Destination | None:
    return info.context if isinstance(info.context, Destination) else None


def _rds_arn(value: str, resource_type: str, form: str) -> tuple[Arn, str]:
    """Return the parts of an ARN and the ID of its resource."""
    arn = parse_arn(value)
    if arn is None or arn.service != "rds":
        raise ValueError(f"must be an ARN of the form {form}")
    given_type, _, resource_id = arn.resource.partition(":")
    if given_type != resource_type:
        kind = _RESOURCE_KINDS.get(given_type, f"a resource of type {short_repr(given_type)}")
        raise ValueError(f"is the ARN of {kind}; it must have the form {form}")
    return arn, resource_id


def _check_location(
    arn: Arn, info: ValidationInfo, wrong_region: str, *errors: str, is_source: bool = False
) -> None:
    """Raise the given errors, and those of a partition or Region unlike the client's."""
    found = list(errors)
    destination = _destination(info)
    if destination is not None:
        if (arn.region == destination.region_name) is is_source:
            found.append(wrong_region.format(arn.region, destination.region_name))
        if arn.partition != destination.partition:
            found.append(
                f"is in partition {arn.partition!r}, but the client is in {destination.partition!r}"
            )
    if found:
        raise ValueError("; ".join(found))


def _source_db_instance_arn(value: str, info: ValidationInfo) -> str:
    arn, identifier = _rds_arn(value, "db", _DB_INSTANCE_ARN_FORM)
    errors: list[str] = []
    if not is_db_instance_identifier(identifier):
        ending = short_repr(identifier)
        errors.append(f"ends in {ending}; an instance identifier must have {_IDENTIFIER_RULE}")
    wrong_region = (
        "is in {}, the Region of this client. The call must go to the destination Region, which "
        "keeps the replicated backups: pass that Region, not the source's, as region_name"
    )
    _check_location(arn, info, wrong_region, *errors, is_source=True)
    return value


def _automated_backups_arn(value: str, info: ValidationInfo) -> str:
    arn, backup_id = _rds_arn(value, "auto-backup", _BACKUP_ARN_FORM)
    if not is_automated_backup_id(backup_id):
        raise ValueError(f"must be an ARN of the form {_BACKUP_ARN_FORM}")
    wrong_region = (
        "is in {}, but this client calls {}. The Region in the ARN keeps the backup: pass that "
        "Region as region_name"
    )
    _check_location(arn, info, wrong_region)
    return value


def _matching(is_valid: Callable[[str], bool], rule: str) -> AfterValidator:
    def check(value: str) -> str:
        if not is_valid(value):
            raise ValueError(rule)
        return value

    return AfterValidator(check)


def _region_name(value: str) -> str:
    rule = explain_region_name(value)
    if rule is not None:
        raise ValueError(rule)
    return value


def _source_region(value: str | None, info: ValidationInfo) -> str | None:
    source = parse_arn(info.data.get("source_db_instance_arn", ""))
    if value is None:
        destination = _destination(info)
        needs_url = destination is not None and destination.partition in _PRESIGNING_PARTITIONS
        has_url = info.data.get("pre_signed_url") is not None
        return source.region if source is not None and needs_url and not has_url else None
    if source is not None and value != source.region:
        raise ValueError(f"must be the Region of source_db_instance_arn, {source.region}")
    return value


def _is_key_or_alias(resource: str) -> bool:
    kind, _, name = resource.partition("/")
    return (kind == "key" and is_kms_key_id(name)) or (kind == "alias" and is_kms_alias(name))


def _kms_key_id(value: str, info: ValidationInfo) -> str:
    if not value.startswith("arn:"):
        if is_bare_kms_key_id(value) or (value.startswith("alias/") and _is_key_or_alias(value)):
            return value
        is_name = is_kms_alias(value) and not value.startswith(("alias/", "key/"))
        hint = f"; did you mean alias/{value}?" if is_name else ""
        raise ValueError(f"must be {_KMS_FORMS}{hint}")
    arn = parse_arn(value)
    if arn is None or arn.service != "kms" or not _is_key_or_alias(arn.resource):
        raise ValueError(f"must be {_KMS_FORMS}")
    wrong_region = (
        "is a key in {}; the key must be in the destination Region, {} (for a multi-Region key, "
        "pass the ARN of its replica there)"
    )
    _check_location(arn, info, wrong_region)
    return value


def _raise_with(message: str, value: Any, handler: ValidatorFunctionWrapHandler) -> NoReturn:
    """Raise an error together with all other errors of the value."""
    ctx: dict[str, Any] = {"error": ValueError(message)}
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
    if isinstance(value, str) and str.lower(value).startswith(RESERVED_PREFIXES):
        reserved = "must not begin with aws: or rds:, which are reserved for AWS"
        _raise_with(reserved, value, handler)
    return handler(value)


class _RequestTag(RequestModel, frozen=True):
    """A tag in a request, which must follow RDS's rules; the ``Tag`` model accepts any."""

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
    """Return tags of any form as a list of Tags or dicts."""
    if isinstance(value, Mapping):
        mapping = cast("Mapping[object, object]", value)
        return [{"key": key, "value": item} for key, item in mapping.items()]
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise ValueError(  # noqa: TRY004  # pydantic lets a TypeError through
            'must be a mapping of keys to values, a list of Tags, or boto3\'s [{"Key": …}]'
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


def _check_list(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Raise the errors of the list together with the errors of its tags."""
    tags = _read_tags(value)
    # As plain strings, because a caller's subclass of str may have no hash.
    keys = Counter(str.__str__(key) for key in map(_key_of, tags) if isinstance(key, str))
    errors = [
        f"have the key {short_repr(key)} only once, not {count} times"
        for key, count in keys.items()
        if count > 1
    ]
    if len(tags) > MAX_TAGS:
        errors.append(f"have at most {MAX_TAGS} tags, not {len(tags)}")
    if errors:
        _raise_with(f"must {', and '.join(errors)}", tags, handler)
    return handler(tags)


def validate_as(checked: Any) -> GetPydanticSchema:
    """Validate a value as another type first, and then as the annotated type."""
    return GetPydanticSchema(
        lambda source, handler: core_schema.chain_schema(
            [handler.generate_schema(checked), handler(source)]
        )
    )


def one_is_given(other: str) -> WrapValidator:
    """Require exactly one of the field and another field, which is defined before it."""

    def wrap(value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        is_given = not (value is None or value is False)
        # A field that is missing from the data was given and is invalid.
        other_is_given = other not in info.data or info.data[other] is not None
        if is_given != other_is_given:
            return handler(value)
        rule = f"must not be given together with {other}"
        if not is_given:
            rule = f"is required unless {other} is given"
        _raise_with(rule, value, handler)

    return WrapValidator(wrap)


TagsInput = Mapping[str, str | None] | Iterable[Tag | Mapping[str, str]]
"""Tags in any form: ``{"env": "prod"}``, ``Tag`` models or boto3's dicts."""
Tags = Annotated[
    SequenceOf[Tag],
    validate_as(
        Annotated[
            list[Annotated[_RequestTag, BeforeValidator(_read_tag)]],
            WrapValidator(_check_list),
            AfterValidator(lambda tags: [Tag(key=tag.key, value=tag.value) for tag in tags]),
        ]
    ),
]
"""Tags that follow RDS's rules, in any form that the client takes."""
# For an empty list, botocore would send an empty parameter.
_no_empty_list = AfterValidator(lambda items: items or None)
OptionalTags = Annotated[Tags | None, _no_empty_list]
ListOf = Annotated[SequenceOf[T] | None, _no_empty_list]

SourceDBInstanceArn = Annotated[str, AfterValidator(_source_db_instance_arn)]
AutomatedBackupsArn = Annotated[str, AfterValidator(_automated_backups_arn)]
# botocore inserts the name into a host name, so nothing but a Region name may pass.
RegionName = Annotated[str, AfterValidator(_region_name)]
OptionalSourceRegion = Annotated[RegionName | None, AfterValidator(_source_region)]
KmsKeyId = Annotated[str, AfterValidator(_kms_key_id)]
DBInstanceIdentifier = Annotated[
    str, _matching(is_db_instance_identifier, f"must have {_IDENTIFIER_RULE}")
]
NonEmpty = Annotated[str, Field(min_length=1), with_message("must be a string that is not empty")]
# RDS would find nothing under an identifier with blanks around it.
Identifier = Annotated[
    NonEmpty, _matching(lambda value: not name_blanks(value), "must be without blanks around it")
]
PreSignedUrl = Annotated[
    str,
    _matching(lambda value: _HTTPS_URL.fullmatch(value) is not None, "must be an https URL"),
    with_message("must be an https URL"),
]
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
