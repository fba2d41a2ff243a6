"""Whether two identifiers mean one KMS key: an ID, an ARN, an alias or an alias's ARN."""

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from .._arn import parse_arn
from .._botocore.fork_safety import keep_to_own_connections
from .._redact import hide_secrets
from ..exceptions import Difference
from .lookup import Context


class _CannotAsk(Exception):
    pass


def key_difference(context: Context, wanted: str, actual: str | None) -> Difference | None:
    """How the key of a backup differs from the wanted one, if it does or may."""
    if wanted == actual:
        return None
    if actual is None:
        return Difference("kms_key_id", wanted, actual, "RDS names no key of the backup")
    try:
        is_same = _key_id(context, wanted) == _key_id(context, actual)
    except (BotoCoreError, ClientError, _CannotAsk) as error:
        hide_secrets(error)
        return Difference("kms_key_id", wanted, actual, f"an alias could not be looked up: {error}")
    except Exception as error:  # noqa: BLE001  # what is no answer of KMS fails with any
        # Without its text, which may be the whole answer, and another service's.
        why = f"KMS's answer on an alias cannot be read ({type(error).__name__})"
        return Difference("kms_key_id", wanted, actual, why)
    return None if is_same else Difference("kms_key_id", wanted, actual)


def _key_id(context: Context, identifier: str) -> str:
    arn = parse_arn(identifier)
    resource = arn.resource if arn else identifier
    if not resource.startswith("alias/"):
        return resource.rpartition("/")[2]
    if context.boto3_client is None:
        raise _CannotAsk("a client made from a boto3 client cannot ask KMS")
    kms: Any = context.boto3_client("kms", context.api.region_name)
    keep_to_own_connections(kms)
    return str(kms.describe_key(KeyId=identifier)["KeyMetadata"]["KeyId"])
