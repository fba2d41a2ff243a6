"""Comparison of KMS keys by any identifier: key ID, key ARN, alias name or alias ARN."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .._api_call import CallRecord
from .._arn import parse_arn
from .._botocore.credential_errors import retrieval_error
from .._context import Context
from .._redact import hide_secrets
from ..exceptions import Difference


class CannotCallKMSError(Exception):
    """There is no KMS client."""

    def __str__(self) -> str:
        return "a client that was created with client= cannot call KMS; pass kms_client=, too"


def compare_keys(context: Context, requested: str, actual: str | None) -> Difference | None:
    """Return the difference between two keys, or ``None`` if both identify the same key."""
    if requested == actual:
        return None
    uncertainty: str | None = None
    if actual is None:
        uncertainty = "RDS returns no key for the backup"
    else:
        try:
            if _key_id(context, requested) == _key_id(context, actual):
                return None
        except (BotoCoreError, ClientError, CannotCallKMSError) as error:
            hide_secrets(error)
            uncertainty = f"an alias could not be resolved: {error}"
        except Exception as error:  # noqa: BLE001  # a response that is not from KMS raises any
            # The text may be the whole response of another service, so it is omitted.
            uncertainty = f"the response of KMS for an alias is invalid ({type(error).__name__})"
    return Difference("kms_key_id", requested, actual, uncertainty)


def _key_id(context: Context, identifier: str) -> str:
    arn = parse_arn(identifier)
    resource = arn.resource if arn else identifier
    if not resource.startswith("alias/"):
        return resource.rpartition("/")[2]
    return str(describe_key(context, identifier)["KeyId"])


def describe_key(
    context: Context, identifier: str, region_name: str | None = None
) -> dict[str, Any]:
    """Return KMS's metadata of a key, which may raise any error.

    The key is in the destination, unless another Region is given.
    """
    kms: Any = context.kms_client(region_name)
    if kms is None:
        raise CannotCallKMSError
    with CallRecord(kms, "DescribeKey", context.on_call) as record:
        try:
            record.response = response = kms.describe_key(KeyId=identifier)
        except Exception as error:
            hide_secrets(error)
            if failure := retrieval_error(error):
                raise failure from None
            raise
    metadata: dict[str, Any] = response["KeyMetadata"]
    return metadata
