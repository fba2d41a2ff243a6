"""The long description of the built package: README.md, with links that work anywhere.

The relative links of README.md work in a checkout and at the project's host, but not on the page
of a package index. This hook needs no further build dependency, and takes the host from the URL
"Source" in pyproject.toml. The links lead to the files as they were at the version's tag.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_RELATIVE = re.compile(r"\]\((?!#|\w+:)")


class LongDescription(MetadataHookInterface):
    """Sets the field ``readme``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the field."""
        files = f"{metadata['urls']['Source']}/blob/v{metadata['version']}/"
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": _RELATIVE.sub(f"]({files}", text),
        }
