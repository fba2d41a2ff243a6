"""The command line, ``rds-backup-replication``.

Requires the extra ``cli``.
"""

from typing import TYPE_CHECKING

from .._lazy_imports import lazy_names
from ._main import main

if TYPE_CHECKING:
    from ._app import app

__all__ = ["app", "main"]

if not TYPE_CHECKING:  # with __getattr__, type checkers would accept any name
    __getattr__, __dir__ = lazy_names(__name__, __all__, {}, "_app")
