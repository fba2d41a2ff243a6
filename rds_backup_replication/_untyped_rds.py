"""The type of a boto3 RDS client where no stubs describe it."""

from typing import Any

RDSClient = Any
