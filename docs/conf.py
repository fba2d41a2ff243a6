"""Settings of Sphinx; `make docs` builds, without a network."""

import re
from typing import Any, get_type_hints

from pydantic import BaseModel

import rds_backup_replication as package
from rds_backup_replication import fleet
from rds_backup_replication.exceptions import ServiceError

project = "rds-backup-replication"
author = "The rds-backup-replication maintainers"
project_copyright = author
version = release = package.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"{project} {release}"

napoleon_google_docstring = True
napoleon_numpy_docstring = False
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 88
myst_heading_anchors = 2

nitpick_ignore = [
    ("py:class", "AnySession"),  # boto3's or botocore's, imported for type checkers alone
]
nitpick_ignore_regex = [
    # Documented elsewhere, and nothing is fetched from there.
    ("py:(class|exc)", r"(botocore|collections\.abc|concurrent|datetime|pathlib|pydantic)\..+"),
]


# Where types are checked, Sphinx is not installed: its `app` is Any.


def _without_signature(
    _app: Any, what: str, _name: str, obj: object, *_: object
) -> tuple[str, str] | None:
    """A model's fields are listed below it, and the classes of faults are not for users to call."""
    if what not in ("class", "exception") or not isinstance(obj, type):
        return None
    return ("", "") if issubclass(obj, (BaseModel, ServiceError)) else None


def _keep_colons(
    _app: Any, what: str, _name: str, _obj: object, _: object, lines: list[str]
) -> None:
    """Napoleon takes what is before a colon for a type, if it is on an attribute's first line."""
    if what in ("attribute", "property"):
        lines[:0] = ["..", ""]  # an empty comment, so that the first line is another


def _inline_links(
    _app: Any, _what: str, _name: str, _obj: object, _: object, lines: list[str]
) -> None:
    """Puts addresses into the links: those of an eval-rst block are not looked up elsewhere."""
    text = "\n".join(lines)
    for target, name, url in re.findall(r"^(\.\. _(\w+): (\S+))$", text, re.MULTILINE):
        text = text.replace(target, "").replace(f"{name}_", f"`{name} <{url}>`__")
    lines[:] = text.split("\n")


def _show_plain_types() -> None:
    """Has the fields of the models shown without pydantic's validators and serializers."""
    names = [(home, name) for home in (package, fleet) for name in home.__all__]
    for home, name in names:
        value = getattr(home, name)
        if isinstance(value, type) and issubclass(value, BaseModel):
            hints = get_type_hints(value)
            value.__annotations__ = {field: hints[field] for field in value.__annotations__}


def setup(app: Any) -> None:
    _show_plain_types()
    # Before napoleon, whose priority is 500.
    app.connect("autodoc-process-docstring", _inline_links, priority=400)
    app.connect("autodoc-process-docstring", _keep_colons, priority=400)
    app.connect("autodoc-process-signature", _without_signature)
