"""Two sides in turns, and what their ratios are like."""

from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import NamedTuple

Pair = tuple[float, float]
"""What the one side took, and what the other, next to each other in time."""


class Spread(NamedTuple):
    """The middle half of some figures."""

    median: float
    lower: float
    upper: float


def in_turns(one: Callable[[], float], other: Callable[[], float], rounds: int) -> list[Pair]:
    """Measures both sides so often: A B, B A, A B, and so on, after an idle run of each.

    A machine that grows slower or faster meanwhile does so to both, and neither always
    comes first.
    """
    one()
    other()
    pairs: list[Pair] = []
    for turn in range(rounds):
        if turn % 2:
            second = other()
            pairs.append((one(), second))
        else:
            first = one()
            pairs.append((first, other()))
    return pairs


def ratios(pairs: Sequence[Pair]) -> Spread:
    """Of the one side to the other, pair by pair."""
    return spread([one / other for one, other in pairs])


def spread(figures: Sequence[float]) -> Spread:
    """Median and quartiles."""
    if not figures[1:]:
        return Spread(figures[0], figures[0], figures[0])
    lower, _, upper = quantiles(figures, n=4, method="inclusive")
    return Spread(median(figures), lower, upper)
