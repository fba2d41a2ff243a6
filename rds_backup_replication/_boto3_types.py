"""The type of a boto3 RDS client: ``RDSClient`` where types-boto3-rds is installed, else ``Any``.

Type checkers have no condition for whether a package is installed, but a star import of a missing
package adds no name, so another module can supply the name. mypy takes the first definition of a
name and pyright the last, so the stubs come both before and after that module.
"""

# ruff: noqa: F401, F403, I001

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types_boto3_rds import *  # pyright: ignore[reportWildcardImportFromLibrary]
    from ._untyped_rds import *
    from types_boto3_rds import *  # pyright: ignore[reportWildcardImportFromLibrary]
else:
    from botocore.client import BaseClient as RDSClient
