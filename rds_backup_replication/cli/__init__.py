"""The same in a shell: ``rds-backup-replication``.

Needs the extra ``cli``.
"""

from typing import TYPE_CHECKING

from .._lazy_imports import lazy_names
from ._main import main

if TYPE_CHECKING:
    from ._app import app

__all__ = ["app", "main"]

if not TYPE_CHECKING:  # with it, type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(__name__, __all__, {}, "_app")
