"""Measures, prints a table, and writes it down."""

import argparse
from pathlib import Path

from . import report
from .cases import FIGURES
from .children import ENVIRONMENT, Children
from .measure import Pair
from .server import running

QUICK = 5


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "--only", action="append", metavar="TEXT", help="only figures whose name contains this"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="pairs of each figure")
    parser.add_argument("--quick", action="store_true", help=f"--rounds {QUICK}")
    parser.add_argument("--no-peers", action="store_true", help="this library alone")
    parser.add_argument("--json", type=Path, default=ENVIRONMENT / "results.json", metavar="FILE")
    parser.add_argument("--docs", type=Path, metavar="FILE", help="a page to write the table into")
    arguments = parser.parse_args()
    rounds: int | None = QUICK if arguments.quick else arguments.rounds
    chosen = [
        figure
        for figure in FIGURES
        if not arguments.only or any(text in figure.name for text in arguments.only)
    ]
    results: dict[str, list[Pair]] = {}
    with running() as endpoint_url:
        children = Children(endpoint_url)
        for figure in chosen:
            results[figure.name] = figure.take(children, "ours", rounds or figure.rounds)
            print(report.line(figure.name, results[figure.name]), flush=True)


if __name__ == "__main__":
    main()
