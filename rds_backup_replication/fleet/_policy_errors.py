"""The errors of a policy, in the words of its author instead of pydantic's."""

import json
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from datetime import date
from difflib import get_close_matches
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from .._arn import is_region_name
from .._redact import hide_presigned_url
from ..exceptions import PolicyError
from ._policy_document import Document, Location

FieldError = tuple[Location, str]
"""The path of a field, relative to the model that reports the error, and a message."""
BRANCHES = ("[key]", "[list]", "[text]")
"""What pydantic adds to a path: for the key of a mapping, and for the kinds of a value."""


def raise_field_errors(errors: Sequence[FieldError]) -> None:
    """Raise the errors that a model's validator has found, if any."""
    if errors:
        text = "; ".join(_prefix(location) + message for location, message in errors)
        raise PydanticCustomError("fields", "{text}", {"text": text, "field_errors": errors})


@contextmanager
def drop_context() -> Generator[None]:
    """Remove the error that came before a ``PolicyError`` within the block.

    The earlier error holds the text of the policy. No traceback shows that text, but Dask pickles
    an error together with its context.
    """
    try:
        yield
    except PolicyError as error:
        error.__context__ = None
        raise


def policy_error(error: ValidationError | None, document: Document) -> PolicyError:
    """Return the error that lists all errors of a document, ordered by their lines."""
    found = [(line, _prefix(at) + message) for line, at, message in document.errors]
    reported = {at for _, at, _ in document.errors}
    details = error.errors(include_url=False) if error else ()
    found += [
        (document.line_of(detail["loc"]) or 0, _prefix(detail["loc"]) + detail["msg"])
        for detail in details
        if detail["loc"] not in reported
    ]
    return PolicyError(
        document.source,
        [f"{line}: {text}" if line else text for line, text in sorted(found, key=_line)],
    )


def _line(error: tuple[int, str]) -> int:
    return error[0]


def _prefix(location: Location) -> str:
    """Return the field's path for a message, such as ``rules[0].name: ``."""
    parts = [f"[{p}]" if isinstance(p, int) else f".{hide_presigned_url(p)}" for p in location]
    text = "".join(parts).lstrip(".")
    return f"{text}: " if text else ""


def explain(
    error: ValidationError,
    document: Document | None,
    fields: Mapping[str, Sequence[str]],
    inherited: AbstractSet[Location],
) -> ValidationError:
    """Return an error with messages for the author of the policy.

    Args:
        error: pydantic's error about a policy.
        document: The text of the policy, if it comes from a text.
        fields: The names of the fields of each kind of mapping, by the name of its field.
        inherited: The places of the settings that rules have from the defaults, each after the
            rule's index. An error that the defaults themselves have is not repeated for each rule.
    """
    found: dict[FieldError, None] = {}  # ordered, without repetitions
    for detail in error.errors(include_url=False):
        at = tuple(part for part in detail["loc"] if part not in BRANCHES)
        for location, message in _explain(cast("Any", detail), at, document, fields):
            found[location, message] = None
    wrong_defaults = {
        at[1:end] for at, _ in found if at[:1] == ("defaults",) for end in range(2, len(at) + 1)
    }

    def is_repeated(at: Location) -> bool:
        return at[:1] == ("rules",) and any(
            at[1:end] in inherited and at[2:end] in wrong_defaults for end in range(3, len(at) + 1)
        )

    lines: list[InitErrorDetails] = [
        {
            "type": PydanticCustomError("policy", "{message}", {"message": message}),
            "loc": location,
            "input": None,
        }
        for location, message in found
        if not is_repeated(location)
    ]
    return ValidationError.from_exception_data(error.title, lines, hide_input=True)


def _explain(
    detail: Mapping[str, Any],
    at: Location,
    document: Document | None,
    fields: Mapping[str, Sequence[str]],
) -> Iterator[FieldError]:
    """Yield the errors in one of pydantic's error details."""
    context = detail.get("ctx", {})
    if "field_errors" in context:
        for location, message in context["field_errors"]:
            yield at + tuple(location), message
        return
    kind, value = detail["type"], detail.get("input")
    written = document.texts.get(at) if document else None
    if kind == "string_type" and detail["loc"][-1:] == ("[key]",):
        yield at, "the key must be text"
    elif kind == "extra_forbidden":
        yield at, f"unknown field{_suggest(at, fields)}"
    elif written == "" and kind.endswith("_type"):
        yield at, "has no value"
    elif kind == "string_type":
        yield at, _explain_text(at, value, written)
    elif kind == "tuple_type":
        yield at, _explain_list(at, value, written)
    elif kind in ("model_type", "model_attributes_type"):
        names = fields.get(_kind_of((*at, 0), fields), ())
        yield at, f"must be a mapping with fields such as {', '.join(names[:2])}"
    else:
        rule = _rule(kind, context) or str(context.get("error", detail["msg"]))
        is_quoted = isinstance(value, str) and (
            ("whole number" in rule and re.fullmatch("-?[0-9]+", value))
            or (kind == "bool_type" and value in ("true", "false"))
        )
        yield at, f"{rule}, without quotes" if is_quoted else rule


def _rule(kind: str, context: Mapping[str, Any]) -> str | None:
    """Return the rule that a kind of error breaks, if the kind needs no more than its context."""
    return {
        "bool_type": "must be true or false",
        "dict_type": "must be a mapping of keys to values",
        "greater_than_equal": f"must be {context.get('ge')} or more",
        "int_type": "must be a whole number",
        "invalid_key": "must be text",
        "less_than_equal": f"must be {context.get('le')} or less",
        "literal_error": f"must be {str(context.get('expected')).replace(chr(39), '')}",
        "missing": "is required",
        "string_too_short": "must not be empty",
        "string_unicode": "must be valid Unicode",
    }.get(kind)


_NOT_TEXT = "must be text: put it in quotes"


def quote(written: str) -> str:
    """Return what to write in place of a value that YAML does not read as a text."""
    text = hide_presigned_url(written)
    return f'{_NOT_TEXT}: "{text}"' if text == written and len(text) <= _MAX_SHOWN else _NOT_TEXT


_MAX_SHOWN = 60


def _explain_text(at: Location, value: object, written: str | None) -> str:
    """Explain a value that should be a text."""
    if isinstance(value, (list, tuple)):
        return "must be text, not a list"
    if isinstance(value, Mapping):
        return "must be text, not a mapping"
    if written is None and isinstance(value, date):
        written = str(value)
    elif written is None and isinstance(value, (bool, int, float, type(None))):
        written = json.dumps(value)
    is_secret = at[-1:] == ("external_id",)
    return _NOT_TEXT if is_secret or written is None else quote(written)


def _explain_list(at: Location, value: object, written: str | None) -> str:
    """Explain a value that should be a list; a text is shown only if it cannot be a secret."""
    if at[-1:] in (("rules",), ("accepted",)) or at == ("accounts",):
        return "must be a list of mappings"
    if isinstance(value, str) and (is_region_name(value) or at[-1:] != ("source_regions",)):
        is_plain = re.fullmatch(r"[A-Za-z][\w./-]*", value, re.ASCII)
        written = value if is_plain else json.dumps(value, ensure_ascii=False)
    elif isinstance(value, int) and not isinstance(value, bool):
        written = f'"{written or value}"'
    else:
        written = None
    is_shown = written and len(written) <= _MAX_SHOWN and hide_presigned_url(written) == written
    return f"must be a list: [{written}]" if is_shown else "must be a list"


def _kind_of(location: Location, fields: Mapping[str, Sequence[str]]) -> str:
    """Return the field whose mappings have a location as one of their fields."""
    names = [part for part in location[:-1] if part in fields]
    return str(names[-1]) if names else ""


# Names that people know from elsewhere, without underscores and in lower case, with the fields
# that they may mean; the first that the mapping has is suggested.
_OTHER_NAMES: Mapping[str, Sequence[str]] = {
    "account": ("id", "accounts"),
    "accountid": ("id", "accounts"),
    "accountids": ("accounts",),
    "accountname": ("name",),
    "action": ("replicate",),
    "alias": ("name",),
    "assumerole": ("role_arn", "role_name"),
    "class": ("instance_classes",),
    "classes": ("instance_classes",),
    "code": ("codes",),
    "concurrency": ("at_once",),
    "conditions": ("select",),
    "days": ("backup_retention_period",),
    "dbinstanceclass": ("instance_classes",),
    "dbinstanceidentifier": ("identifiers",),
    "default": ("defaults",),
    "destination": ("destination_region",),
    "dr": ("destination_region",),
    "drregion": ("destination_region",),
    "enabled": ("replicate",),
    "encryption": ("encrypted",),
    "end": ("until",),
    "except": ("not", "exclude"),
    "exceptions": ("accepted",),
    "excludeaccounts": ("exclude",),
    "excluded": ("exclude", "not"),
    "exclusions": ("accepted", "exclude"),
    "expires": ("until",),
    "externalid": ("external_id",),
    "filter": ("select",),
    "filters": ("select",),
    "iamrole": ("role_arn", "role_name"),
    "ids": ("identifiers", "accounts"),
    "instanceclass": ("instance_classes",),
    "instances": ("identifiers", "select"),
    "isencrypted": ("encrypted",),
    "key": ("kms_key_id", "kms_key_ids"),
    "keyid": ("kms_key_id",),
    "keys": ("kms_key_ids",),
    "kms": ("kms_key_id", "kms_key_ids"),
    "kmskey": ("kms_key_id", "kms_key_ids"),
    "kmskeyarn": ("kms_key_id",),
    "kmskeys": ("kms_key_ids",),
    "lag": ("maximum_lag",),
    "match": ("select",),
    "matches": ("select",),
    "maxlag": ("maximum_lag",),
    "maxreplacements": ("replacements",),
    "maxstops": ("stops",),
    "min": ("minimum_instances",),
    "mininstances": ("minimum_instances",),
    "mode": ("replicate",),
    "org": ("organization",),
    "organizationalunits": ("units",),
    "organizations": ("organization",),
    "ou": ("units",),
    "ous": ("units",),
    "parallel": ("at_once",),
    "policies": ("rules",),
    "quota": ("replication_quota",),
    "region": ("source_regions",),
    "regions": ("source_regions",),
    "replica": ("read_replicas",),
    "replicas": ("read_replicas",),
    "retention": ("backup_retention_period",),
    "retentiondays": ("backup_retention_period",),
    "retentionperiod": ("backup_retention_period",),
    "role": ("role_arn", "role_name"),
    "rolearn": ("role_arn", "role_name"),
    "rolename": ("role_name", "role_arn"),
    "rpo": ("maximum_lag",),
    "rule": ("rules",),
    "selector": ("select",),
    "source": ("source_regions",),
    "sourceregion": ("source_regions",),
    "sources": ("source_regions",),
    "storageencrypted": ("encrypted",),
    "tag": ("tags",),
    "target": ("destination_region",),
    "targetregion": ("destination_region",),
    "targets": ("destination_region",),
    "to": ("destination_region",),
    "unless": ("not",),
    "where": ("select",),
}


def _suggest(at: Location, fields: Mapping[str, Sequence[str]]) -> str:
    """Return the field that the author of an unknown one probably means."""
    given, kind = str(at[-1]), _kind_of(at, fields)
    known = fields[kind]
    plain = re.sub(r"[^a-z0-9]", "", given[:_MAX_SHOWN].lower())
    spelled = {name.replace("_", ""): name for name in known}
    near = [name for name in _OTHER_NAMES.get(plain, ()) if name in known]
    near += [spelled[text] for text in get_close_matches(plain, spelled, n=1, cutoff=0.75)]
    if not near and given in fields["select"] and "select" in known:
        near = [f"select.{given}"]
    if not near and not kind:
        names = (given, *_OTHER_NAMES.get(plain, ()))
        near = [f"defaults.{name}" for name in names if name in fields["defaults"]]
    return f"; did you mean {near[0]}?" if near else ""
