"""YAML to a model, and every mistake with its line."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import PydanticCustomError

from .._redact import hide_presigned_url
from ..exceptions import PolicyError

ModelT = TypeVar("ModelT", bound=BaseModel)
Mistake = tuple[tuple[int | str, ...], str]
"""Where it is, from the model that finds it on, and what is wrong there."""

_STUMBLES = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


def read_yaml(model: type[ModelT], text: str, source: str) -> ModelT:
    try:
        import yaml  # noqa: PLC0415  # of an extra
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "reading a policy needs an extra: pip install 'rds-backup-replication[fleet]'",
            name=error.name,
        ) from error
    try:
        root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
        mistakes = _mistakes_of_form(root, yaml.SafeLoader(""))
        # As JSON, whose arrays are lists and tuples alike, while no number may be text.
        data = json.dumps(None if mistakes else yaml.safe_load(text))
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(source, [f"{line}: is not YAML: {error.problem}"]) from None
    # PyYAML stumbles over some tags' texts, and JSON has no dates for keys.
    except (yaml.YAMLError, *_STUMBLES) as error:
        raise PolicyError(source, [f"1: is not YAML: {error}"]) from None
    if mistakes:
        raise PolicyError(source, mistakes)
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        found = [
            (detail["loc"] + location, message)
            for detail in error.errors(include_url=False)
            for location, message in _mistakes_in(detail)
        ]
    raise PolicyError(source, [f"{_line_of(root, at)}: {_field(at)}{text}" for at, text in found])


def raise_all(mistakes: Sequence[Mistake]) -> None:
    """Raises what a model's validator has found, in several of its fields perhaps."""
    if mistakes:
        text = "; ".join(_field(location) + message for location, message in mistakes)
        raise PydanticCustomError("mistakes", "{text}", {"text": text, "mistakes": mistakes})


def _children(node: Any) -> list[tuple[Any, Any, Any]]:
    """Key, the node of the key, and the node of the value, of a mapping or a sequence."""
    kind = getattr(node, "id", None)
    if kind == "mapping":
        return [(key.value, key, value) for key, value in node.value if key.id == "scalar"]
    if kind == "sequence":
        return [(index, item, item) for index, item in enumerate(node.value)]
    return []


def _line_of(root: Any, location: Sequence[int | str]) -> int:
    """The line of what a location leads to, or of the last thing on the way that is there."""
    node, line = root, 1
    for part in location:
        for key, key_node, value in _children(node):
            if key == part or (isinstance(part, int) and key == str(part)):
                node, line = value, key_node.start_mark.line + 1
                break
        else:
            break
    return line


def _field(location: Sequence[int | str]) -> str:
    text = ""
    for part in location:
        if part != "[key]":  # pydantic's word for a mapping's key
            text += f"[{part}]" if isinstance(part, int) else f".{hide_presigned_url(part)}"
    return f"{text.lstrip('.')}: " if text else ""


def _mistakes_in(detail: Any) -> Sequence[Mistake]:
    context = detail.get("ctx", {})
    if "mistakes" in context:
        return cast("Sequence[Mistake]", context["mistakes"])
    if detail["type"] == "missing":
        return [((), "must be given")]
    if detail["type"] == "extra_forbidden":
        return [((), "there is no such field")]
    message = str(context.get("error", detail["msg"]))
    return [((), message.replace("Input should be", "must be"))]


_MOST_NODES = 200_000
_PARSED = {"bool", "float", "int"}
_NUMBERS_AND_WORDS = _PARSED | {"null", "str"}
_IS_TEXT = "must be text: put it in quotes"


def _shown(node: Any, loader: Any) -> str:
    """A scalar's text; but only the tag of what has one, as it may be a secret."""
    is_plain = node.style is None
    implied = loader.resolve(type(node), node.value, (is_plain, not is_plain))
    return hide_presigned_url(str(node.value)) if node.tag == implied else _tag(node)


def _tag(node: Any) -> str:
    return str(node.tag).replace("tag:yaml.org,2002:", "!!")


def _is_parsed(node: Any, loader: Any) -> bool:
    try:
        loader.construct_object(node)
    except _STUMBLES:
        return False
    return True


def _mistakes_of_form(root: Any, loader: Any) -> list[str]:
    """What YAML allows, and would not mean what was meant, or would take all memory."""
    mistakes: list[str] = []
    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        """How many nodes it is, with all aliases written out."""
        if id(node) in sizes:
            return sizes[id(node)]
        sizes[id(node)] = 1  # within itself, by an alias, it is refused later
        line = node.start_mark.line + 1
        kind = node.tag.rpartition(":")[2]
        if node.id == "scalar" and kind not in _NUMBERS_AND_WORDS | {"merge"}:
            mistakes.append(f"{line}: {_shown(node, loader)}: {_IS_TEXT}")
        if node.id == "scalar" and kind in _PARSED and not _is_parsed(node, loader):
            mistakes.append(f"{line}: {_tag(node)}: cannot be made of what is there")
        keys: set[object] = set()
        total = 1
        for key, key_node, value in _children(node):
            if node.id == "mapping":
                key_line = key_node.start_mark.line + 1
                if key in keys:
                    mistakes.append(f"{key_line}: {_shown(key_node, loader)}: is given twice")
                keys.add(key)
                if key_node.tag.rpartition(":")[2] not in ("str", "merge"):
                    mistakes.append(f"{key_line}: {_shown(key_node, loader)}: {_IS_TEXT}")
            total += size(value)
        sizes[id(node)] = total
        return total

    if root is not None and size(root) > _MOST_NODES:
        return [f"1: its aliases make more than {_MOST_NODES:,} values"]
    return sorted(mistakes, key=lambda mistake: int(mistake.partition(":")[0]))
