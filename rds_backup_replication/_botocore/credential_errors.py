"""Errors in retrieving credentials: botocore raises any type, with the credentials in it."""

from botocore.exceptions import BotoCoreError, ClientError, CredentialRetrievalError

from .._redact import hide_everything, is_of_library, modules_in_traceback
from .errors import is_unsendable


def retrieval_error(error: Exception) -> CredentialRetrievalError | None:
    """Return a safe error if botocore failed to retrieve credentials and has none for it."""
    modules = modules_in_traceback(error)
    if "botocore.credentials" not in modules:
        return None
    # Such as the access token of IAM Identity Center.
    is_header = is_unsendable(error) and "header" in str(error)
    is_typed = isinstance(error, (BotoCoreError, ClientError)) or not is_of_library(error)
    if is_typed and not is_header:
        return None
    if "getpass" in modules:
        problem = "the profile requires an MFA code, and there is no terminal to enter the code"
    elif is_header or "legal header value" in str(error):
        problem = "the authorization token for the credentials has a line break"
    elif isinstance(error, RuntimeError) and "still expired" in str(error):
        problem = "the credentials have already expired"
    elif isinstance(error, OSError):  # the profile's program cannot be run
        problem = str(error)
    else:
        problem = (
            "the response of the service that provides the credentials is invalid "
            f"({type(error).__name__})"
        )
    # Even the causes may contain the whole response, with the credentials.
    hide_everything(error)
    return CredentialRetrievalError(provider="AWS", error_msg=problem)
