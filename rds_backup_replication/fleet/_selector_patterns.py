"""Patterns with ``*`` and ``?``: what they match, and whether one covers another."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase


def matches_pattern(value: str, pattern: str) -> bool:
    """Return whether a text matches a pattern."""
    return fnmatchcase(value, pattern.replace("[", "[[]"))  # a bracket is an ordinary character


def matches_any(value: str | None, patterns: tuple[str, ...]) -> bool:
    """Return whether a value matches one of the patterns, if any, ignoring case."""
    lowered = (value or "").lower()
    return not patterns or any(matches_pattern(lowered, pattern.lower()) for pattern in patterns)


def cover_patterns(wide: Sequence[str], narrow: Sequence[str]) -> bool:
    """Return whether each text that matches one of the narrow patterns matches a wide one."""
    return all(any(_covers(pattern, other) for pattern in wide) for other in narrow)


def _covers(wide: str, narrow: str) -> bool:
    """Return whether the wide pattern matches the narrow one, read as a text.

    Only ``*`` may match the ``*`` of the narrow pattern, which stands for any number of
    characters. Some pairs of equivalent patterns, such as ``*?`` and ``?*``, are not recognized.
    """
    parts = {"*": ".*", "?": r"[^*]"}
    form = "".join(parts.get(character) or re.escape(character) for character in wide)
    return re.fullmatch(form, narrow, re.DOTALL) is not None
