"""Sphinx settings; `make docs` builds the documentation without a network."""

from typing import Any, get_type_hints

from pydantic import BaseModel

import rds_backup_replication as package
from rds_backup_replication import fleet, recovery
from rds_backup_replication.exceptions import ServiceError

project = "rds-backup-replication"
author = "The rds-backup-replication maintainers"
project_copyright = author
version = release = package.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"{project} {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["copy.js"]
html_copy_source = False

napoleon_google_docstring = True
napoleon_numpy_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
myst_heading_anchors = 3

nitpick_ignore = [
    ("py:class", "AnySession"),  # a boto3 or botocore session
    ("py:class", "boto3.session.Session"),
    ("py:class", "typing_extensions.Unpack"),
    ("py:class", "ReplacementPhase"),  # one of four texts, which ReplacementProgress lists
    ("py:class", "SourceInstance"),  # the fields of DBInstance that fleets read
    ("py:class", "rds_backup_replication._models._responses.SourceInstance"),  # the same
    ("py:class", "StartRequest"),  # short for StartDBInstanceAutomatedBackupsReplicationRequest
]
nitpick_ignore_regex = [
    # Other projects document these, and the build fetches nothing from them.
    ("py:(class|exc)", r"(botocore|collections\.abc|concurrent|datetime|pathlib|pydantic)\..+"),
]


# Type checkers run without Sphinx installed, so `app` is Any.


def _without_signature(
    _app: Any, what: str, _name: str, obj: object, *_: object
) -> tuple[str, str] | None:
    """Hide signatures of models, whose fields follow, and of faults, which users do not create."""
    if what not in ("class", "exception") or not isinstance(obj, type):
        return None
    return ("", "") if issubclass(obj, (BaseModel, ServiceError)) else None


def _keep_colons(
    _app: Any, what: str, _name: str, _obj: object, _: object, lines: list[str]
) -> None:
    """Stop napoleon from taking text before a colon in an attribute's first line for a type."""
    if what in ("attribute", "property"):
        lines[:0] = ["..", ""]  # an empty comment becomes the first line


def _link_to_pages(_app: Any, _path: object, _page: str, content: list[str]) -> None:
    """Adapt the links of files at the root of the repository, which pages include."""
    content[0] = content[0].replace("](docs/", "](").replace("](SECURITY.md", "](security.md")


def _show_plain_types() -> None:
    """Show the fields of the models without pydantic's validators and serializers."""
    names = [(home, name) for home in (package, fleet, recovery) for name in home.__all__]
    for home, name in names:
        value = getattr(home, name)
        if isinstance(value, type) and issubclass(value, BaseModel):
            hints = get_type_hints(value)
            value.__annotations__ = {field: hints[field] for field in value.__annotations__}


def setup(app: Any) -> None:
    _show_plain_types()
    # This handler must run before napoleon, whose priority is 500.
    app.connect("autodoc-process-docstring", _keep_colons, priority=400)
    app.connect("autodoc-process-signature", _without_signature)
    app.connect("include-read", _link_to_pages)
