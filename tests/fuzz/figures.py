"""Figures of a run: each process counts its own, and the run prints their sums."""

from collections import Counter

from hypothesis import settings

FIGURES: Counter[str] = Counter()

_USUAL = 100  # Hypothesis's own max_examples


def scaled(examples: int) -> int:
    """Return the number of examples, scaled up by the profile ``fuzz``."""
    return max(1, examples * settings().max_examples // _USUAL)
