"""How much was tried: what each process counts, and the sum at the end."""

from collections import Counter

from hypothesis import settings

FIGURES: Counter[str] = Counter()

_USUAL = 100


def scaled(examples: int) -> int:
    """The number of examples in a usual run; in a run of the profile ``fuzz``, far more."""
    return max(1, examples * settings().max_examples // _USUAL)
