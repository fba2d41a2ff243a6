"""YAML documents read into a model, with the line of every error."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from .._redact import hide_presigned_url
from ..exceptions import PolicyError

ModelT = TypeVar("ModelT", bound=BaseModel)
FieldError = tuple[tuple[int | str, ...], str]
"""The path of a field, relative to the model that reports the error, and a message."""

# PyYAML raises these for values that do not fit their tags.
_CONSTRUCTION_ERRORS = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


def read_yaml(model: type[ModelT], text: str, source: str) -> ModelT:
    """Read YAML into a model.

    Args:
        model: The model.
        text: The YAML text.
        source: Name of the text in error messages.

    Raises:
        PolicyError: The text is not valid YAML, or does not fit the model.
        ModuleNotFoundError: PyYAML is not installed.
    """
    try:
        import yaml  # noqa: PLC0415  # PyYAML belongs to an extra
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "reading a policy needs an extra: pip install 'rds-backup-replication[fleet]'",
            name=error.name,
        ) from error
    try:
        root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        errors = _find_syntax_errors(root, yaml.SafeLoader(""))
        # In strict mode, pydantic accepts a JSON array as a tuple, but no number as a string.
        data = json.dumps(None if errors else yaml.safe_load(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(source, [f"{line}: is not valid YAML: {error.problem}"]) from None
    # The JSON encoder raises a TypeError for keys such as dates.
    except (yaml.YAMLError, *_CONSTRUCTION_ERRORS) as error:
        raise PolicyError(source, [f"1: is not valid YAML: {error}"]) from None
    if errors:
        raise PolicyError(source, errors)
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        found = [
            (detail["loc"] + location, message)
            for detail in error.errors(include_url=False)
            for location, message in _field_errors(detail)
        ]
    raise PolicyError(source, [f"{_line_of(root, at)}: {_prefix(at)}{text}" for at, text in found])


def raise_field_errors(errors: Sequence[FieldError]) -> None:
    """Raise the errors that a model's validator has found, if any."""
    if errors:
        text = "; ".join(_prefix(location) + message for location, message in errors)
        raise PydanticCustomError("fields", "{text}", {"text": text, "field_errors": errors})


def _children(node: Any) -> list[tuple[Any, Any, Any]]:
    """Return the key, the key's node and the value's node of each child of a node."""
    kind = getattr(node, "id", None)
    if kind == "mapping":
        return [(key.value, key, value) for key, value in node.value if key.id == "scalar"]
    if kind == "sequence":
        return [(index, item, item) for index, item in enumerate(node.value)]
    return []


def _line_of(root: Any, location: Sequence[int | str]) -> int:
    """Return the line of a field, or of its closest ancestor if the field is missing."""
    node, line = root, 1
    for part in location:
        for key, key_node, value in _children(node):
            if key == part or (isinstance(part, int) and key == str(part)):
                node, line = value, key_node.start_mark.line + 1
                break
        else:
            break
    return line


def _prefix(location: Sequence[int | str]) -> str:
    """Return the field's path for a message, such as ``rules[0].name: ``."""
    text = ""
    for part in location:
        if part != "[key]":  # pydantic adds this part for the key of a mapping
            text += f"[{part}]" if isinstance(part, int) else f".{hide_presigned_url(part)}"
    return f"{text.lstrip('.')}: " if text else ""


def _field_errors(detail: Any) -> Sequence[FieldError]:
    """Return the field errors in one of pydantic's error details."""
    context = detail.get("ctx", {})
    if "field_errors" in context:
        return cast("Sequence[FieldError]", context["field_errors"])
    if detail["type"] == "missing":
        return [((), "is required")]
    if detail["type"] == "extra_forbidden":
        return [((), "unknown field")]
    message = str(context.get("error", detail["msg"]))
    return [((), message.replace("Input should be", "must be"))]


_MAX_NODES = 200_000
_PARSED = {"bool", "float", "int"}
_NUMBERS_AND_WORDS = _PARSED | {"null", "str"}
_NOT_TEXT = "must be text: put it in quotes"


def _display(node: Any, loader: Any) -> str:
    """Return a scalar's text; only its tag if one is written, as the text may be a secret."""
    is_plain = node.style is None
    implied = loader.resolve(type(node), node.value, (is_plain, not is_plain))
    return hide_presigned_url(str(node.value)) if node.tag == implied else _tag(node)


def _tag(node: Any) -> str:
    return str(node.tag).replace("tag:yaml.org,2002:", "!!")


def _can_parse(node: Any, loader: Any) -> bool:
    """Return whether the scalar's value fits its tag."""
    try:
        loader.construct_object(node)
    except _CONSTRUCTION_ERRORS:
        return False
    return True


def _find_syntax_errors(root: Any, loader: Any) -> list[str]:
    """Return errors for YAML that is valid, but surprising or dangerous.

    These are unquoted values that YAML turns into dates, repeated keys, and aliases that
    expand to more values than memory can hold.
    """
    errors: list[str] = []
    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        """Return the number of nodes below a node, with all aliases expanded."""
        if id(node) in sizes:
            return sizes[id(node)]
        sizes[id(node)] = 1  # ends the recursion if an alias refers to its own parent
        line = node.start_mark.line + 1
        kind = node.tag.rpartition(":")[2]
        if node.id == "scalar" and kind not in _NUMBERS_AND_WORDS | {"merge"}:
            errors.append(f"{line}: {_display(node, loader)}: {_NOT_TEXT}")
        if node.id == "scalar" and kind in _PARSED and not _can_parse(node, loader):
            errors.append(f"{line}: {_tag(node)}: the value does not fit this type")
        keys: set[object] = set()
        total = 1
        for key, key_node, value in _children(node):
            if node.id == "mapping":
                key_line = key_node.start_mark.line + 1
                if key in keys:
                    errors.append(f"{key_line}: {_display(key_node, loader)}: appears twice")
                keys.add(key)
                if key_node.tag.rpartition(":")[2] not in ("str", "merge"):
                    errors.append(f"{key_line}: {_display(key_node, loader)}: {_NOT_TEXT}")
            total += size(value)
        sizes[id(node)] = total
        return total

    if root is not None and size(root) > _MAX_NODES:
        return [f"1: the aliases expand to more than {_MAX_NODES:,} values"]
    return sorted(errors, key=lambda error: int(error.partition(":")[0]))
