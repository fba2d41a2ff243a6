"""Tables for people, JSON for programs."""

from collections.abc import Sequence

from .measure import Pair, ratios

_SMALL = 0.1


def number(figure: float) -> str:
    """With as many decimals as make sense."""
    return f"{figure:.2f}" if figure >= _SMALL else f"{figure:.3f}"


def line(name: str, pairs: Sequence[Pair]) -> str:
    """A figure in a terminal."""
    spread = ratios(pairs)
    return (
        f"{name:36} {number(spread.median):>6}   "
        f"{number(spread.lower)} to {number(spread.upper)}, {len(pairs)} pairs"
    )
