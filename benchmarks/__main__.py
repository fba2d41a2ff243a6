"""Measure this library against plain boto3, print the ratios, and write them to files."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from . import report
from .cases import FIGURES, Figure
from .children import ENVIRONMENT, ChildError, Children
from .peers import FAILED, NOT_INSTALLED, PEERS, python_of, version_of
from .report import Peer, Results
from .server import running

QUICK = 5


def main() -> None:
    arguments = _parse_arguments()
    rounds: int | None = QUICK if arguments.quick else arguments.rounds
    figures = _select(arguments.only)
    results = Results()
    with running("benchmarks.server") as endpoint_url:
        children = Children(endpoint_url)
        print("Ratios to boto3: median, middle half")
        for figure in figures:
            pairs = figure.take(children, "ours", rounds or figure.rounds)
            results.figures[figure.name] = pairs
            print(report.line(figure.name, pairs), flush=True)
        if not arguments.only:
            results.counts = children.counts()
            for name, count in results.counts.items():
                print(f"API calls made by {name}: {count}")
        if arguments.peers or not arguments.only:
            for name in PEERS:
                results.peers[name] = _measure_peer(name, endpoint_url, figures, rounds)
    arguments.json.write_text(report.as_json(results), encoding="utf-8")
    print(f"All figures: {arguments.json}")
    if arguments.docs:
        report.write_into(arguments.docs, report.as_markdown(results))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument(
        "--only",
        action="append",
        metavar="TEXT",
        help="measure only figures whose name contains TEXT, and no other library; repeatable",
    )
    parser.add_argument(
        "--peers", action="store_true", help="with --only: measure other libraries too"
    )
    parser.add_argument("--rounds", type=int, metavar="N", help="measure N pairs for each figure")
    parser.add_argument("--quick", action="store_true", help=f"the same as --rounds {QUICK}")
    parser.add_argument(
        "--json",
        type=Path,
        default=ENVIRONMENT / "results.json",
        metavar="FILE",
        help="write all pairs to FILE (default: %(default)s)",
    )
    parser.add_argument("--docs", type=Path, metavar="FILE", help="write the tables into this page")
    arguments = parser.parse_args()
    if arguments.docs and arguments.only:
        parser.error("--docs cannot be combined with --only, because the page needs all figures")
    if not _select(arguments.only):
        names = "; ".join(figure.name for figure in FIGURES)
        parser.error(f"no figure has such a name; choose from: {names}")
    return arguments


def _select(texts: Sequence[str] | None) -> list[Figure]:
    return [figure for figure in FIGURES if not texts or any(t in figure.name for t in texts)]


def _measure_peer(
    name: str, endpoint_url: str, figures: Sequence[Figure], rounds: int | None
) -> Peer:
    python = python_of(name)
    if python is None:
        print(f"{name} {NOT_INSTALLED}")
        return Peer(failure=NOT_INSTALLED)
    children = Children(endpoint_url, str(python))
    peer = Peer(version_of(name, children))
    print(f"{name} {peer.version}")
    for figure in figures:
        if not figure.by_peers:
            continue
        try:
            pairs = figure.take(children, name, rounds or figure.rounds)
        except ChildError as error:
            peer.figures[figure.name] = FAILED
            print(f"  {figure.name} {FAILED}: {str(error).splitlines()[-1]}")
        else:
            peer.figures[figure.name] = pairs
            print(report.line(f"  {figure.name}", pairs), flush=True)
    return peer


if __name__ == "__main__":
    main()
