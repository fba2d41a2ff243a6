"""Reading RDS's answers in a fraction of the time that botocore's parser takes.

What comes out is botocore's own dict, with the same types. Whatever is out of the
ordinary is left to botocore, which then reads the whole answer, or raises.
"""

import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from botocore.model import ListShape, OperationModel, Shape, StructureShape
from botocore.utils import parse_timestamp

_Read = Callable[[Element], Any]
_ReadRoot = Callable[[Element], tuple[dict[str, Any], bytes]]

_UTC = parse_timestamp("2000-01-01T00:00:00Z").tzinfo  # the very type that botocore uses
# The form that RDS sends, of all that botocore's parser takes.
_USUAL_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?Z")
_ORDINARY_SERIALIZATION = {"name", "resultWrapper"}
_FAILED = 300
_LINE_ENDS = {"\r": "&#13;"}  # which a parser would take for a newline
_parser_logger = logging.getLogger("botocore.parsers")


class _UnusualError(Exception):
    """An answer, or a service model, that is better left to botocore."""


class AnswerReader:
    """Reads a client's answers ahead of botocore's parser, and leaves it next to nothing."""

    def __init__(self) -> None:
        self._readers: dict[str, _ReadRoot | None] = {}

    def read_ahead(
        self,
        operation_model: OperationModel,
        response_dict: dict[str, Any],
        customized_response_dict: dict[str, Any],
    ) -> None:
        """Takes the result out of the answer; for botocore's event ``before-parse``.

        botocore puts what is in ``customized_response_dict`` into the dict that it returns.
        """
        # The parser logs what it gets, and whoever debugs wants to see the whole answer.
        if response_dict["status_code"] >= _FAILED or _parser_logger.isEnabledFor(logging.DEBUG):
            return
        name = operation_model.name
        if name not in self._readers:
            self._readers[name] = _reader_of(operation_model)
        read = self._readers[name]
        if read is None:
            return
        try:
            parser = ElementTree.XMLParser(encoding="utf-8")  # noqa: S314  # botocore's own choice
            root = ElementTree.fromstring(response_dict["body"], parser)  # noqa: S314
            members, rest = read(root)
        except (
            ElementTree.ParseError,
            _UnusualError,
            ValueError,
            OverflowError,
            RuntimeError,
            Warning,  # where warnings are errors: of a time zone that nobody knows, say
        ):
            return
        customized_response_dict.update(members)
        response_dict["body"] = rest


def _reader_of(operation_model: OperationModel) -> _ReadRoot | None:
    """What reads an answer's root: the members of the result, and what is left to botocore."""
    shape = operation_model.output_shape
    if shape is None:
        return None
    namespace = f"{{{operation_model.service_model.metadata.get('xmlNamespace')}}}"
    wrapper_name = shape.serialization.get("resultWrapper")
    wrapper, metadata = f"{namespace}{wrapper_name}", f"{namespace}ResponseMetadata"
    try:
        read_result = _structure(shape, namespace)
    except _UnusualError:
        return None

    def read(root: Element) -> tuple[dict[str, Any], bytes]:
        children = {child.tag: child for child in root}
        if len(children) != len(root) or wrapper not in children:
            raise _UnusualError
        rest = ""
        if metadata in children:
            for child in children[metadata]:
                name = child.tag.removeprefix(namespace)
                if name.startswith("{"):
                    raise _UnusualError
                rest += f"<{name}>{escape(child.text or '', _LINE_ENDS)}</{name}>"
            rest = f"<ResponseMetadata>{rest}</ResponseMetadata>"
        return (
            read_result(children[wrapper]),
            f"<Response><{wrapper_name}/>{rest}</Response>".encode(),
        )

    return read


def _reader(shape: Shape, namespace: str) -> _Read:
    if not shape.serialization.keys() <= _ORDINARY_SERIALIZATION:
        raise _UnusualError
    if isinstance(shape, StructureShape):
        return _structure(shape, namespace)
    if isinstance(shape, ListShape):
        read_item = _reader(shape.member, namespace)
        return lambda node: [read_item(item) for item in node]
    if shape.type_name not in _SCALARS:
        raise _UnusualError
    return _SCALARS[shape.type_name]


def _structure(shape: StructureShape, namespace: str) -> Callable[[Element], dict[str, Any]]:
    if shape.is_tagged_union:
        raise _UnusualError
    members: Mapping[str, tuple[str, _Read]] = {
        f"{namespace}{member.serialization.get('name', name)}": (name, _reader(member, namespace))
        for name, member in shape.members.items()
    }

    def read(node: Element) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for child in node:
            known = members.get(child.tag)
            if known is None:  # newer than botocore's model
                if child.tag.startswith(namespace):
                    continue
                raise _UnusualError
            name, read_member = known
            if name in result:
                raise _UnusualError
            result[name] = read_member(child)
        return result

    return read


def _timestamp(node: Element) -> datetime:
    text = node.text or ""
    if _USUAL_TIMESTAMP.fullmatch(text):
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=_UTC)
    return parse_timestamp(text)


_SCALARS: Mapping[str, _Read] = {
    "boolean": lambda node: node.text == "true",
    "integer": lambda node: int(node.text or ""),
    "long": lambda node: int(node.text or ""),
    "string": lambda node: node.text or "",
    "timestamp": _timestamp,
}
