"""Data in GitHub-flavored Markdown.

The data of an audit is untrusted, because anybody who may name an instance writes in the
document. GitHub looks for mentions, links to issues and commits, addresses and emoji in the
rendered text, where an escape no longer counts, but not in code. So only plain words and short
numbers stand as they are, and all other words become code spans.
"""

import re
from collections.abc import Iterable

from .._invisible_characters import replace_invisible

# Such characters before and after a word mean nothing in the middle of a line. A colon before a
# word may begin an emoji.
_BEFORE, _AFTER = "'\"(", "'\"),;.:…"
_PLAIN = re.compile(r"[A-Za-z]+(?:['’-][A-Za-z]+)*|[0-9]{1,6}[dhms%]?")
_COMMIT = re.compile(r"[0-9A-Fa-f]{7}")


def text(data: str) -> str:
    """Return data as text for the middle of a line or for a table's cell."""
    return " ".join(map(_word, replace_invisible(data, lambda _: "\ufffd").split()))


def _word(word: str) -> str:
    core = word.lstrip(_BEFORE).rstrip(_AFTER)
    if not core or (_PLAIN.fullmatch(core) and not _COMMIT.search(core)):
        return word
    before, after = word.split(core, 1)
    return f"{before}{_code(core)}{after}"


def code(data: str) -> str:
    """Return data as one code span."""
    return _code(" ".join(replace_invisible(data, lambda _: "\ufffd").split()))


def _code(data: str) -> str:
    # A pipe would end a table's cell even in code, and renderers differ in how to escape it.
    data = data.replace("|", "\uff5c")
    longest = max(map(len, re.findall("`+", data)), default=0)
    fence = "`" * (longest + 1)
    return f"{fence} {data} {fence}" if longest or not data else f"{fence}{data}{fence}"


def code_block(data: str) -> str:
    """Return data as a block of code, with its lines."""
    data = replace_invisible(data, lambda _: "\ufffd")
    fence = "`" * max(3, *(len(run) + 1 for run in ("", *re.findall("`+", data))))
    return f"{fence}\n{data}\n{fence}"


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table of cells that are Markdown already."""
    titles = list(titles)
    lines = (titles, ["---"] * len(titles), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
