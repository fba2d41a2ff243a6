"""Measurement of two sides in alternation, and statistics of their ratios."""

from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import NamedTuple

Pair = tuple[float, float]
"""The results of both sides, measured one right after the other."""


class Spread(NamedTuple):
    """The median and the middle half of some numbers."""

    median: float
    lower: float
    upper: float


def alternate(one: Callable[[], float], other: Callable[[], float], rounds: int) -> list[Pair]:
    """Measure both sides in this many rounds, after one warm-up run of each.

    The order alternates (A B, B A, A B, and so on), so that a machine that becomes slower or faster
    affects both sides, and neither side always runs first.
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
    """Return the spread of the ratios of the first side to the other, pair by pair."""
    return spread([one / other for one, other in pairs])


def spread(numbers: Sequence[float]) -> Spread:
    """Return the median and the quartiles."""
    if not numbers[1:]:
        return Spread(numbers[0], numbers[0], numbers[0])
    lower, _, upper = quantiles(numbers, n=4, method="inclusive")
    return Spread(median(numbers), lower, upper)
