"""Causes: items whose reasons differ only in names and figures."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Line = tuple[str, str]
"""A CSS class, such as ``finding`` or ``remedy``, and a text."""

# The lookbehind keeps the search linear in words without digits.
_FIGURE = r"(?<!\S)\S*\d\S*(?: (?:days?|hours?|minutes?|seconds?|instances?)\b)?"
_PUNCTUATION = "'\"`(),;.:"


@dataclass(frozen=True)
class Cause(Generic[T]):
    """Items with the same cause."""

    lines: list[Line]
    """The lines that the items share; an ellipsis stands for what differs."""
    items: list[tuple[T, list[str]]]
    """The items, each with its own names and figures in the place of the ellipses."""


@dataclass(frozen=True)
class _Parsed:
    """Lines, split into fixed texts and the names and figures between these."""

    key: tuple[tuple[str, tuple[str, ...]], ...]
    figures: tuple[str, ...]


def group_by_cause(
    items: Iterable[T],
    lines_of: Callable[[T], list[Line]],
    names_of: Callable[[T], Iterable[str | None]],
) -> list[Cause[T]]:
    """Return the causes in the order of their first items."""
    found = [(item, lines_of(item)) for item in items]
    parsed = [_parse(lines, ()) for _, lines in found]
    counts = Counter(one.key for one in parsed)
    groups: dict[object, list[tuple[T, _Parsed]]] = {}
    for (item, lines), one in zip(found, parsed, strict=True):
        # An instance may be called "backup", so a name counts only where nothing else fits.
        if counts[one.key] == 1:
            one = _parse(lines, [name for name in names_of(item) if name])  # noqa: PLW2901
        groups.setdefault(one.key, []).append((item, one))
    return [_cause(group) for group in groups.values()]


def _cause(group: list[tuple[T, _Parsed]]) -> Cause[T]:
    first = group[0][1]
    columns = zip(*(one.figures for _, one in group), strict=True)
    differs = [len(set(column)) > 1 for column in columns]
    shown = iter("…" if d else f for d, f in zip(differs, first.figures, strict=True))
    lines: list[Line] = []
    for class_, fixed in first.key:
        line = (class_, fixed[0] + "".join(next(shown) + text for text in fixed[1:]))
        if line not in lines:  # several reasons may have the same remedy
            lines.append(line)
    return Cause(
        lines,
        [
            (item, [f for d, f in zip(differs, one.figures, strict=True) if d])
            for item, one in group
        ],
    )


def _parse(lines: list[Line], names: Iterable[str]) -> _Parsed:
    key: list[tuple[str, tuple[str, ...]]] = []
    figures: list[str] = []
    for class_, text in lines:
        fixed, found = _split(text, names)
        key.append((class_, tuple(fixed)))
        figures += found
    return _Parsed(tuple(key), tuple(figures))


def _split(text: str, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the fixed texts and, between each two of these, a name or figure.

    A figure is one or more words with digits, such as ``3h 5m``, with its unit.
    """
    present = sorted((name for name in names if name in text), key=len, reverse=True)
    words = (rf"(?<!\w){re.escape(name)}(?!\w)" for name in present)
    fixed, figures, end = [""], list[str](), 0
    for match in re.finditer("|".join((*words, _FIGURE)), text):
        core = match[0].strip(_PUNCTUATION) or match[0]
        start = match.start() + match[0].index(core)
        between = text[end:start]
        if figures and between == " ":
            figures[-1] += f" {core}"
        else:
            fixed[-1] += between
            figures.append(core)
            fixed.append("")
        end = start + len(core)
    fixed[-1] += text[end:]
    return fixed, figures
