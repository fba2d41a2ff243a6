"""A parser of RDS's responses that takes a fraction of the time of botocore's.

The result is the dict that botocore would return, with the same types. A response with anything
unusual in it is left to botocore, which parses the whole response or raises.
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

_Parse = Callable[[Element], Any]
_ParseRoot = Callable[[Element], tuple[dict[str, Any], bytes]]

_UTC = parse_timestamp("2000-01-01T00:00:00Z").tzinfo  # the type that botocore uses
# The form that RDS sends; botocore's parser takes many more.
_USUAL_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3}|\.\d{6})?Z")
_KNOWN_SERIALIZATION = {"name", "resultWrapper"}
_FIRST_ERROR_STATUS = 300
_LINE_ENDS = {"\r": "&#13;"}  # an XML parser reads a bare carriage return as a newline
_parser_logger = logging.getLogger("botocore.parsers")


class _UnusualError(Exception):
    """A response or a service model that only botocore should parse."""


class FastParser:
    """A parser for one client's responses, which leaves botocore's parser almost nothing."""

    def __init__(self) -> None:
        self._parsers: dict[str, _ParseRoot | None] = {}

    def parse(
        self,
        operation_model: OperationModel,
        response_dict: dict[str, Any],
        customized_response_dict: dict[str, Any],
    ) -> None:
        """Move the result out of the response, as a handler of the event ``before-parse``.

        botocore merges ``customized_response_dict`` into the dict that it returns.
        """
        # botocore's parser logs the response, and a debug log should show all of it.
        if response_dict["status_code"] >= _FIRST_ERROR_STATUS or _parser_logger.isEnabledFor(
            logging.DEBUG
        ):
            return
        name = operation_model.name
        if name not in self._parsers:
            self._parsers[name] = _parser_of(operation_model)
        parse = self._parsers[name]
        if parse is None:
            return
        try:
            parser = ElementTree.XMLParser(encoding="utf-8")  # noqa: S314  # as botocore does
            root = ElementTree.fromstring(response_dict["body"], parser)  # noqa: S314
            members, rest = parse(root)
        except (
            ElementTree.ParseError,
            _UnusualError,
            ValueError,
            OverflowError,
            RuntimeError,
            Warning,  # dateutil warns about an unknown time zone
        ):
            return
        customized_response_dict.update(members)
        response_dict["body"] = rest


def _parser_of(operation_model: OperationModel) -> _ParseRoot | None:
    """Return a parser of an operation's responses, or ``None`` to leave them to botocore."""
    shape = operation_model.output_shape
    if shape is None:
        return None
    namespace = f"{{{operation_model.service_model.metadata.get('xmlNamespace')}}}"
    wrapper_name = shape.serialization.get("resultWrapper")
    wrapper, metadata = f"{namespace}{wrapper_name}", f"{namespace}ResponseMetadata"
    try:
        parse_result = _structure(shape, namespace)
    except _UnusualError:
        return None

    def parse(root: Element) -> tuple[dict[str, Any], bytes]:
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
            parse_result(children[wrapper]),
            f"<Response><{wrapper_name}/>{rest}</Response>".encode(),
        )

    return parse


def _parser(shape: Shape, namespace: str) -> _Parse:
    if not shape.serialization.keys() <= _KNOWN_SERIALIZATION:
        raise _UnusualError
    if isinstance(shape, StructureShape):
        return _structure(shape, namespace)
    if isinstance(shape, ListShape):
        parse_item = _parser(shape.member, namespace)
        return lambda node: [parse_item(item) for item in node]
    if shape.type_name not in _SCALARS:
        raise _UnusualError
    return _SCALARS[shape.type_name]


def _structure(shape: StructureShape, namespace: str) -> Callable[[Element], dict[str, Any]]:
    if shape.is_tagged_union:
        raise _UnusualError
    members: Mapping[str, tuple[str, _Parse]] = {
        f"{namespace}{member.serialization.get('name', name)}": (name, _parser(member, namespace))
        for name, member in shape.members.items()
    }

    def parse(node: Element) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for child in node:
            known = members.get(child.tag)
            if known is None:  # this botocore's model does not have it yet
                if child.tag.startswith(namespace):
                    continue
                raise _UnusualError
            name, parse_member = known
            if name in result:
                raise _UnusualError
            result[name] = parse_member(child)
        return result

    return parse


def _timestamp(node: Element) -> datetime:
    text = node.text or ""
    if _USUAL_TIMESTAMP.fullmatch(text):
        return datetime.fromisoformat(text[:-1]).replace(tzinfo=_UTC)
    return parse_timestamp(text)


_SCALARS: Mapping[str, _Parse] = {
    "boolean": lambda node: node.text == "true",
    "integer": lambda node: int(node.text or ""),
    "long": lambda node: int(node.text or ""),
    "string": lambda node: node.text or "",
    "timestamp": _timestamp,
}
