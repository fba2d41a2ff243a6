"""Characters that show nothing, or have others show what they are not."""

import re
from collections.abc import Callable
from unicodedata import category

# Controls and formats, which may turn text around; what is unassigned, private or half a pair;
# separators of lines.
_UNSEEN = {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}
# By their categories letters, marks and a symbol; but they show nothing.
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)


def replace_unseen(text: str, shown: Callable[[str], str], *, kept: str = "\n\t") -> str:
    """The text with what each such character is shown as, but for those that are kept."""
    text = _BLANK.sub(lambda match: shown(match[0]), text)
    if text.isprintable():  # true of most, and fast
        return text
    return "".join(c if c in kept or category(c) not in _UNSEEN else shown(c) for c in text)
