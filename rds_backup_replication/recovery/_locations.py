"""Where a recovery book is kept: in a file, or as an object in S3."""

import errno
import os
import re
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, TypeVar
from uuid import uuid4

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session

from .._botocore.client_factory import CREATE_LOCK
from .._botocore.errors import NO_RESPONSE_ERRORS
from ..exceptions import RecoveryRefusedError
from ..fleet._credentials import Access, own_session
from ..fleet._journal_file import sync_directory
from ..fleet._organization import without_secrets
from ..fleet._scan_guard import ScanGuard
from ._book import RecoveryBook

T = TypeVar("T")

_IN_S3 = re.compile(r"s3:/", re.IGNORECASE)  # pathlib makes one slash of two
_OBJECT = re.compile(r"s3://([^/\s]+)/(\S(?:.*[^/\s])?)")
_CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 3})
_NOT_FOUND = "NoSuchKey"
# S3 sends the last one if the object to replace has been deleted.
_CONDITION_FAILED = {"ConditionalRequestConflict", "PreconditionFailed", _NOT_FOUND}
# A client for this pseudo-Region finds a bucket by DNS, and follows S3's hint to the Region.
_ANY_REGION = "aws-global"


def read_book(location: str | Path, *, access: Access | None = None) -> RecoveryBook:
    """Read a recovery book.

    Args:
        location: Path of a file, or ``s3://bucket/key``. Keep the book in the destination Region,
            because the source Region may be lost. S3 is asked in the default Region of the
            credentials first, and then wherever the bucket is.
        access: The credentials and the endpoint to use for S3.

    Returns:
        The book.

    Raises:
        RecoveryRefusedError: The location is not valid, or does not have a recovery book as a
            capture wrote it.
        FileNotFoundError: There is no such file or object.
        OSError: The file cannot be read.
        botocore.exceptions.BotoCoreError: S3 did not answer.
        botocore.exceptions.ClientError: S3 refused the request.
    """
    place = _place_of(location, access)
    body = place.read()
    if body is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(place))
    return RecoveryBook.from_json(body, source=str(place))


def find_book(location: str | Path, *, access: Access | None = None) -> RecoveryBook | None:
    """Read a recovery book as ``read_book`` does; return ``None`` if the location has none."""
    place = _place_of(location, access)
    try:
        body = place.read()
    except FileNotFoundError:
        body = None
    return None if body is None else RecoveryBook.from_json(body, source=str(place))


def write_book(
    book: RecoveryBook,
    location: str | Path,
    *,
    replaces: RecoveryBook | None = None,
    access: Access | None = None,
) -> None:
    """Write a recovery book, unless the location has something else than expected.

    Two captures therefore do not overwrite each other's book unseen. Only the owner can read a
    file. An object in S3 is encrypted with a key of S3, so that neither writing nor reading takes
    a permission of KMS.

    Args:
        book: The book.
        location: Path of a file, or ``s3://bucket/key``, in the destination Region.
        replaces: The book that the location has now; ``None`` if it must not have any.
        access: The credentials and the endpoint to use for S3.

    Raises:
        RecoveryRefusedError: The location has another content; nothing was written.
        OSError: The file cannot be written.
        botocore.exceptions.BotoCoreError: S3 did not answer.
        botocore.exceptions.ClientError: S3 refused the request.
    """
    _place_of(location, access).write(book, replaces)


def _place_of(location: str | Path, access: Access | None) -> "_File | S3Object":
    text = str(location)
    if _IN_S3.match(text) is None:
        return _File(Path(location))
    match = _OBJECT.fullmatch(text)
    if match is None:
        raise RecoveryRefusedError(
            [f"{text!r} is not a location in S3. Use the form s3://bucket/key, as a string."]
        )
    return S3Object(match[1], match[2], access or Access())


def is_there(
    place: object, body: bytes | None, book: RecoveryBook, replaces: RecoveryBook | None
) -> bool:
    """Return whether a place already has the book, or raise if it has an unexpected content."""
    current = body and RecoveryBook.from_json(body, source=str(place))
    if current == book:
        return True
    if current != replaces:
        raise _changed(place)
    return False


def _changed(place: object) -> RecoveryRefusedError:
    return RecoveryRefusedError(
        [
            (
                f"{place} does not have the book that was to be replaced, and was left as it is. "
                "Another capture may have written it: read it, and capture again with it as the "
                "previous book."
            )
        ]
    )


@dataclass(frozen=True)
class _File:
    """A book in a file."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def read(self) -> bytes:
        return self.path.read_bytes()

    def write(self, book: RecoveryBook, replaces: RecoveryBook | None) -> None:
        path = self.path.resolve()  # a link stays, and its target is replaced
        with _locked(path.parent):
            body = path.read_bytes() if path.exists() else None
            if is_there(self, body, book, replaces):
                return
            # Only the owner can read it.
            with NamedTemporaryFile(prefix=f".{path.name}.", dir=path.parent, delete=False) as file:
                try:
                    file.write(book.to_json().encode())
                    file.flush()
                    os.fsync(file.fileno())
                    file.close()  # Windows cannot rename an open file
                    Path(file.name).replace(path)
                except BaseException:
                    file.close()
                    Path(file.name).unlink(missing_ok=True)
                    raise
            sync_directory(path)


@contextmanager
def _locked(directory: Path) -> Generator[None]:
    """Let no other process replace a book in a directory within the block, where possible."""
    if sys.platform == "win32":  # which has no such locks
        yield
        return
    import fcntl  # noqa: PLC0415  # Windows has no such module

    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):  # some network file systems cannot lock
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


@dataclass
class S3Object:
    """A book in S3."""

    bucket: str
    key: str
    access: Access
    _run_id: str = field(default_factory=lambda: uuid4().hex)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @cached_property
    def _session(self) -> Session:
        return own_session(self.access, self._run_id, ScanGuard())  # with short timeouts

    def create_client(self, region_name: str | None) -> Any:
        if region_name is not None:
            # With the credentials of a role, botocore asks STS in the first client's Region.
            self._session = own_session(self.access, uuid4().hex, ScanGuard())
        with CREATE_LOCK:
            return self._session.create_client(
                "s3", region_name, endpoint_url=self.access.endpoint_url, config=_CONFIG
            )

    def read(self) -> bytes | None:
        return self._get()[0]

    def _get(self) -> tuple[bytes | None, dict[str, str]]:
        """Return the content, ``None`` if there is none, and the condition to replace it."""

        def get(client: Any) -> tuple[bytes, dict[str, str]]:
            response = client.get_object(Bucket=self.bucket, Key=self.key)
            return response["Body"].read(), {"IfMatch": response["ETag"]}

        try:
            return self._call(get)
        except ClientError as error:
            if _code_of(error) == _NOT_FOUND:
                return None, {"IfNoneMatch": "*"}
            raise

    def _call(self, do: Callable[[Any], T]) -> T:
        """Do something with the client, or with one for any Region if S3 does not respond."""
        with without_secrets():
            try:
                return do(self.client)
            except (*NO_RESPONSE_ERRORS, ClientError) as error:
                # The default Region may be the very one that is lost, or that is being lost.
                is_lost = not isinstance(error, ClientError) or _is_server_error(error)
                if not is_lost or self._session.get_config_variable("region") is None:
                    raise
                self.client = self.create_client(_ANY_REGION)
                return do(self.client)

    @cached_property
    def client(self) -> Any:
        return self.create_client(None)

    def write(self, book: RecoveryBook, replaces: RecoveryBook | None) -> None:
        condition = {"IfNoneMatch": "*"}
        if replaces is not None:
            body, condition = self._get()
            if is_there(self, body, book, replaces):
                return
        try:
            self._call(
                lambda client: client.put_object(
                    Bucket=self.bucket,
                    Key=self.key,
                    Body=book.to_json().encode(),
                    ContentType="application/json",
                    ServerSideEncryption="AES256",
                    **condition,
                )
            )
        except ClientError as error:
            if _code_of(error) not in _CONDITION_FAILED:
                raise
            if not self._has(book):
                raise _changed(self) from None

    def _has(self, book: RecoveryBook) -> bool:
        """Return whether S3 has the book: a lost response may have been that of its writing."""
        try:
            return self.read() == book.to_json().encode()
        except (BotoCoreError, ClientError):  # such as a caller that may only write
            return False


def _is_server_error(error: ClientError) -> bool:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0
    return bool(status >= HTTPStatus.INTERNAL_SERVER_ERROR)


def _code_of(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code"))
