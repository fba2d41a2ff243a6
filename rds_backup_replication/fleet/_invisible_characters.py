"""Characters that are invisible, or that make other text look different."""

import re
from collections.abc import Callable
from unicodedata import category

# Control and format characters (these include the ones that reverse the direction of text),
# unassigned and private characters, surrogates, and line and paragraph separators.
_INVISIBLE = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
# Unicode classifies these as letters, marks or symbols, but they are blank.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


def replace_invisible(text: str, replace: Callable[[str], str], *, keep: str = "\n\t") -> str:
    """Return the text with each invisible character replaced, except those to keep."""
    text = _BLANK.sub(lambda match: replace(match[0]), text)
    if text.isprintable():  # a fast check that most texts pass
        return text
    return "".join(c if c in keep or category(c) not in _INVISIBLE else replace(c) for c in text)
