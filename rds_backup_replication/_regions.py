"""The rule for Region names, and the real Region that an invalid name probably means."""

import re

from ._arn import is_region_name

_RULE = "must be the name of a Region"
_MAX_LENGTH = 100  # comparing longer texts would take seconds


def explain_region_name(name: object) -> str | None:
    """Return the rule that a Region name breaks, with the nearest name, or ``None`` if valid."""
    # botocore replaces a name such as us-east-1-fips by the Region, with FIPS endpoints.
    if isinstance(name, str) and is_region_name(name.removesuffix("-fips")):
        return None
    nearest = _nearest_region(str(name))
    return f"{_RULE}; did you mean {nearest}?" if nearest else f"{_RULE}, such as us-west-2"


def _nearest_region(name: str) -> str | None:
    """Return the Region for another spelling, a zone, or AWS's description of a Region."""
    # Only an invalid name needs botocore's list, and reading it takes time.
    from difflib import get_close_matches  # noqa: PLC0415

    from botocore.exceptions import DataNotFoundError  # noqa: PLC0415
    from botocore.loaders import create_loader  # noqa: PLC0415

    try:
        partitions = create_loader().load_data("partitions")["partitions"]
    except DataNotFoundError:  # a frozen program may lack the file
        return None
    known = {
        _letters_of(text): region
        for partition in partitions
        for region, details in partition["regions"].items()
        if is_region_name(region)
        for text in (details.get("description", ""), region)
    }
    letters = _letters_of(name[:_MAX_LENGTH])
    # The name of a zone begins with the name of its Region.
    begins = sorted((text for text in known if text and letters.startswith(text)), key=len)
    near = begins[-1:] or get_close_matches(letters, known, n=1, cutoff=0.7)
    return known[near[0]] if near else None


def _letters_of(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())
