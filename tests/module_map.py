"""The map of the package in CONTRIBUTING.md: `python -m tests.module_map --write` renews it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "CONTRIBUTING.md"
PACKAGE = ROOT / "rds_backup_replication"
BEGIN, END = "<!-- begin: module map -->\n", "<!-- end: module map -->\n"
# In the order of their imports: each package may import those before it.
PACKAGES = (
    *("", "_models", "_botocore", "_workflows"),
    *(
        "aio",
        "fleet",
        "fleet/_formats",
        "fleet/_report",
        "recovery",
        "recovery/_formats",
        "sandbox",
        "testing",
        "cli",
        "cli/_commands",
    ),
)


def module_map() -> str:
    """Return the map: a table for each package, with the first line of each docstring."""
    return "\n".join(line for name in PACKAGES for line in _table(name))


def _table(name: str) -> Iterator[str]:
    folder = PACKAGE / name
    yield f"\n**`{folder.relative_to(ROOT).as_posix()}/`** {_summary(folder / '__init__.py')}\n"
    yield "| Module | |"
    yield "|---|---|"
    for path in sorted(folder.glob("*.py")):
        if path.name != "__init__.py":
            yield f"| `{path.name}` | {_summary(path)} |"


def _summary(path: Path) -> str:
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return docstring.partition("\n")[0].replace("``", "`")


def page_with(text: str) -> str:
    """Return the page with the text between its markers."""
    head, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    return f"{head}{BEGIN}{text}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__" and "--write" in sys.argv:
    PAGE.write_text(page_with(module_map()), encoding="utf-8")
