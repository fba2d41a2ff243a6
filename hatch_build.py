"""The long description of the built package: README.md, with links that work anywhere.

The relative links of README.md work in a checkout and at the project's host, but not on the page
of a package index. This hook needs no further build dependency, and takes the host from the URL
"Source" in pyproject.toml. The links lead to the files as they were at the version's tag. Images
have another URL than links, because the host shows a page at the URL of a file.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

_LINK = re.compile(r"\]\((?!#|\w+:)")
_IMAGE = re.compile(r'\b(src|srcset)="(?!\w+:)')


class LongDescription(MetadataHookInterface):
    """Sets the field ``readme``."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the field."""
        source, tag = metadata["urls"]["Source"], f"v{metadata['version']}"
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {
            "content-type": "text/markdown",
            "text": _IMAGE.sub(
                rf'\1="{source}/raw/{tag}/', _LINK.sub(f"]({source}/blob/{tag}/", text)
            ),
        }
