"""YAML as data, with the line of each field, and without surprises of YAML."""

from typing import Any

from .._redact import hide_presigned_url
from ..exceptions import PolicyError
from ._policy_document import Document, Location
from ._policy_errors import quote

_MAX_NODES = 200_000
_UNREADABLE = object()
"""Stands for a value that does not fit its type, such as a date that does not exist."""
_CONVERTED = {"bool", "float", "int", "null"}
# PyYAML raises these for values that do not fit their tags.
_CONSTRUCTION_ERRORS = (AttributeError, LookupError, RecursionError, TypeError, ValueError)


def read_yaml(text: str, source: str) -> Document:
    """Read YAML.

    Raises:
        PolicyError: The text is not valid YAML.
        ModuleNotFoundError: PyYAML is not installed.
    """
    try:
        import yaml  # noqa: PLC0415  # PyYAML belongs to an extra
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "reading a policy needs an extra: pip install 'rds-backup-replication[fleet]'",
            name=error.name,
        ) from error
    document = Document(source, lines={(): 1})
    try:
        root: Any = yaml.compose(text.removeprefix("\ufeff"), Loader=yaml.SafeLoader)
        if root is not None and _count(root, {}) > _MAX_NODES:
            message = f"the aliases expand to more than {_MAX_NODES:,} values"
            document.errors.append((1, (), message))
        elif root is not None:
            errors = (*_CONSTRUCTION_ERRORS, yaml.YAMLError)
            document.data = _Reader(yaml.SafeLoader(""), document, errors).read(root, ())
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise PolicyError(source, [f"{line}: is not valid YAML: {error.problem}"]) from None
    except (yaml.YAMLError, *_CONSTRUCTION_ERRORS) as error:
        raise PolicyError(source, [f"1: is not valid YAML: {error}"]) from None
    return document


def _count(node: Any, counts: dict[int, int]) -> int:
    """Return the number of nodes below a node, with all aliases expanded."""
    if id(node) not in counts:
        counts[id(node)] = 1  # ends the recursion if an alias refers to its own parent
        children: list[Any] = [] if node.id == "scalar" else node.value
        if node.id == "mapping":
            children = [child for pair in children for child in pair]
        counts[id(node)] = 1 + sum(_count(child, counts) for child in children)
    return counts[id(node)]


class _Reader:
    """Turns nodes into data, and notes their lines, their texts and their errors."""

    def __init__(
        self, loader: Any, document: Document, errors: tuple[type[Exception], ...]
    ) -> None:
        self._loader = loader
        self._document = document
        self._errors = errors
        self._open: set[int] = set()
        self._merged: set[int] = set()

    def read(self, node: Any, at: Location) -> object:
        """Return the data of a node."""
        if node.id == "scalar":
            return self._read_scalar(node, at)
        if id(node) in self._open:
            self._report(node, at, "is an alias of its own parent")
            return _UNREADABLE
        if node.tag != self._loader.resolve(type(node), None, implicit=True):
            self._report(node, at, f"must not have the tag {_tag(node)}")
            return _UNREADABLE
        self._open.add(id(node))
        if node.id == "mapping":
            data: object = self._read_mapping(node, at)
        else:
            data = [self._read_child(n, item, item, at) for n, item in enumerate(node.value)]
        self._open.remove(id(node))
        return data

    def _read_child(self, key: int | str, key_node: Any, node: Any, at: Location) -> object:
        self._document.lines[(*at, key)] = key_node.start_mark.line + 1
        return self.read(node, (*at, key))

    def _read_mapping(self, node: Any, at: Location) -> dict[str, object]:
        if id(node) not in self._merged:
            self._merged.add(id(node))
            self._check_keys(node, at)
            self._loader.flatten_mapping(node)
        return {
            key.value: self._read_child(key.value, key, value, at)
            for key, value in node.value
            if key.id == "scalar"
        }

    def _check_keys(self, node: Any, at: Location) -> None:
        """Report keys that are no texts, and keys that appear twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.id != "scalar":
                self._report(key, at, f"a key must be text, not a {key.id}")
                continue
            if key.value in seen:
                self._report(key, (*at, key.value), "appears twice")
            seen.add(key.value)
            kind = _kind(key)
            if not self._is_implied(key) and kind != "str":
                self._report(key, at, f"a key must not have the tag {_tag(key)}")
            elif kind not in ("merge", "str"):
                name = hide_presigned_url(key.value)
                self._report(key, at, f"the key {name} {quote(key.value)}")

    def _read_scalar(self, node: Any, at: Location) -> object:
        kind, is_implied = _kind(node), self._is_implied(node)
        if kind == "str":
            return node.value
        if is_implied:
            self._document.texts[at] = node.value
        elif kind not in _CONVERTED:  # the text may be a secret
            tag = _tag(node)
            self._report(node, at, f"must not have the tag {tag}: write a text, in quotes")
            return _UNREADABLE
        try:
            return self._loader.construct_object(node)
        except self._errors:
            if not is_implied:
                self._report(node, at, f"the value does not fit the tag {_tag(node)}")
            return _UNREADABLE

    def _is_implied(self, node: Any) -> bool:
        """Return whether the tag of a scalar is the one that its text has without a tag."""
        is_plain = node.style is None
        resolved = self._loader.resolve(type(node), node.value, (is_plain, not is_plain))
        return bool(node.tag == resolved)

    def _report(self, node: Any, at: Location, message: str) -> None:
        self._document.errors.append((node.start_mark.line + 1, at, message))


def _kind(node: Any) -> str:
    return str(node.tag).removeprefix("tag:yaml.org,2002:")


def _tag(node: Any) -> str:
    return str(node.tag).replace("tag:yaml.org,2002:", "!!")
