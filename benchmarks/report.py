"""Results as tables for people and as JSON for programs."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from .cases import FIGURES
from .measure import Pair, Spread, ratios

BEGIN = "<!-- begin: measured by make bench -->"
END = "<!-- end: measured by make bench -->"

_SMALL = 0.1
_PACKAGES = ("rds-backup-replication", "boto3", "botocore", "pydantic")


@dataclass
class Peer:
    """The results of another library."""

    version: str = ""
    failure: str = ""
    """Why the library has no figures; empty if it has some."""
    figures: dict[str, list[Pair] | str] = field(default_factory=dict[str, list[Pair] | str])
    """The pairs of each figure, or a text that says why there are none."""


@dataclass
class Results:
    figures: dict[str, list[Pair]] = field(default_factory=dict[str, list[Pair]])
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    peers: dict[str, Peer] = field(default_factory=dict[str, Peer])


def line(name: str, pairs: Sequence[Pair]) -> str:
    """Return a line about a figure for a terminal."""
    figure = ratios(pairs)
    return f"{name:36} {_number(figure.median):>6}   {_middle_half(figure)}, {len(pairs)} pairs"


def as_json(results: Results) -> str:
    """Return all results as JSON: the pairs in seconds or units of memory, and their ratios."""
    document = {
        "date": _today(),
        "machine": _machine(),
        "figures": {name: _figure(pairs) for name, pairs in results.figures.items()},
        "counts": results.counts,
        "peers": {
            name: {
                "version": peer.version,
                "failure": peer.failure,
                "figures": {name: _figure(pairs) for name, pairs in peer.figures.items()},
            }
            for name, peer in results.peers.items()
        },
    }
    return json.dumps(document, indent=2)


def measured_on() -> str:
    """Return a sentence about the date, the machine and the versions."""
    return f"Measured on {_today()}: {', '.join(_machine())}."


def as_markdown(results: Results) -> str:
    """Return the tables for the documentation."""
    parts = [measured_on(), _own_table(results)]
    if results.peers:
        parts += ["### Other libraries", _peers_table(results)]
    parts += ["### Calls", _counts_table(results)]
    return "\n\n".join(parts)


def write_into(page: Path, text: str) -> None:
    """Replace the text between the page's two markers."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{page} lacks a line {BEGIN if not begin else END}")
    page.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")


def _own_table(results: Results) -> str:
    rows = [
        (
            f"**{figure.name}**",
            _number(spread.median),
            _middle_half(spread),
            str(len(results.figures[figure.name])),
            figure.meaning,
        )
        for figure in FIGURES
        if figure.name in results.figures
        for spread in [ratios(results.figures[figure.name])]
    ]
    return table(("", "Median", "Middle half", "Pairs", "What is compared"), rows)


def _peers_table(results: Results) -> str:
    names = [figure.name for figure in FIGURES if figure.by_peers]
    ours: dict[str, list[Pair] | str] = dict(results.figures)
    rows = [("this library", *(_cell(ours.get(name, "")) for name in names))]
    for name, peer in results.peers.items():
        cells = [peer.failure or _cell(peer.figures.get(figure, "")) for figure in names]
        rows.append((f"{name} {peer.version}".strip(), *cells))
    return table(("", *names), rows)


def _counts_table(results: Results) -> str:
    rows = [(name, str(count)) for name, count in results.counts.items()]
    return table(("", "API calls"), rows)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(pairs: list[Pair] | str) -> str:
    return pairs if isinstance(pairs, str) else _number(ratios(pairs).median)


def _figure(pairs: list[Pair] | str) -> object:
    return pairs if isinstance(pairs, str) else {**ratios(pairs)._asdict(), "pairs": pairs}


def _middle_half(figure: Spread) -> str:
    return f"{_number(figure.lower)} to {_number(figure.upper)}"


def _number(figure: float) -> str:
    """Return a number with two decimals, or with three if it is small."""
    return f"{figure:.2f}" if figure >= _SMALL else f"{figure:.3f}"


def _machine() -> list[str]:
    python = f"{platform.python_implementation()} {platform.python_version()}"
    packages = [f"{name} {version(name)}" for name in _PACKAGES]
    return [f"{os.cpu_count()} cores", python, *packages]


def _today() -> str:
    return datetime.now(timezone.utc).date().isoformat()
