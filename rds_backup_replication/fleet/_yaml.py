"""YAML to a model, and every mistake with its line."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ..exceptions import PolicyError

ModelT = TypeVar("ModelT", bound=BaseModel)

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
        mistakes = _repeated_keys(root)
        # As JSON, whose arrays are lists and tuples alike, while no number may be text.
        data = json.dumps(yaml.safe_load(text), default=str)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(source, [f"{line}: is not YAML: {error.problem}"]) from None
    # PyYAML stumbles over some tags' texts, and JSON has no dates for keys.
    except (yaml.YAMLError, *_STUMBLES) as error:
        raise PolicyError(source, [f"1: is not YAML: {error}"]) from None
    if not mistakes:
        try:
            return model.model_validate_json(data)
        except ValidationError as error:
            mistakes = [
                f"{_line_of(root, detail['loc'])}: {_field(detail['loc'])}{_message(detail)}"
                for detail in error.errors(include_url=False)
            ]
    raise PolicyError(source, mistakes)


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
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return f"{text.lstrip('.')}: " if text else ""


def _message(detail: Any) -> str:
    if detail["type"] == "missing":
        return "must be given"
    if detail["type"] == "extra_forbidden":
        return "there is no such field"
    message = str(detail.get("ctx", {}).get("error", detail["msg"]))
    return message.replace("Input should be", "must be")


def _repeated_keys(root: Any) -> list[str]:
    """YAML's reader would silently take the last."""
    mistakes: list[str] = []
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # by an alias
            continue
        seen.add(id(node))
        keys: set[object] = set()
        for key, key_node, value in _children(node):
            if key in keys:
                mistakes.append(f"{key_node.start_mark.line + 1}: {key}: is given twice")
            keys.add(key)
            waiting.append(value)
    return mistakes
