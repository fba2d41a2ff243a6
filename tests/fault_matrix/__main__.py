"""Makes docs/fault-matrix.md, or says whether it is up to date."""

import sys
import time
from pathlib import Path

from ._faults import classes_without_a_fault
from ._methods import METHODS, methods_without_a_row
from ._page import introduction, section
from ._run import bench

PAGE = Path(__file__).parent.parent.parent / "docs/fault-matrix.md"


def main(*, write: bool) -> None:
    missing = methods_without_a_row() | classes_without_a_fault()
    if missing:
        sys.exit(f"No row for {', '.join(sorted(missing))}")
    started = time.perf_counter()
    with bench() as clients:
        sections = [section(clients, method) for method in METHODS]
        page = "\n".join([introduction(clients), *(text for text, _ in sections)])
    faults = [fault for _, faults in sections for fault in faults]
    seconds = time.perf_counter() - started
    sys.stdout.write("".join(f"{fault}\n" for fault in faults))
    sys.stdout.write(f"{seconds:.1f} s, {len(faults)} broken promises\n")
    if write and not faults:
        PAGE.write_text(page, encoding="utf-8")
    if faults or PAGE.read_text(encoding="utf-8") != page:
        sys.exit(1)


if __name__ == "__main__":
    main(write="--write" in sys.argv[1:])
