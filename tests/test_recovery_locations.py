"""The places of recovery books: files, and objects in S3."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from rds_backup_replication.exceptions import RecoveryRefusedError
from rds_backup_replication.fleet import Access
from rds_backup_replication.recovery import RecoveryBook
from rds_backup_replication.recovery._locations import S3Object, is_there, read_book, write_book

from .fleets import Fleet
from .recovery_examples import make_book, make_entry

pytestmark = pytest.mark.once

OLD = make_book()
NEW = make_book(make_entry(tier=2))
OTHER = make_book(make_entry(tier=3))


def test_file_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "dr.json"
    write_book(OLD, path)
    assert read_book(str(path)) == OLD
    assert path.stat().st_mode & 0o777 == 0o600
    write_book(NEW, path, replaces=OLD)
    assert read_book(path) == NEW
    assert [each.name for each in tmp_path.iterdir()] == ["dr.json"]


@pytest.mark.parametrize(
    ("content", "replaces"),
    [
        (OLD.to_json(), None),
        (OTHER.to_json(), OLD),
        (None, OLD),
        ("", None),
        ("something else", OLD),
    ],
)
def test_file_with_another_content(
    tmp_path: Path, content: str | None, replaces: RecoveryBook | None
) -> None:
    """A write replaces only the book that it is meant to replace."""
    path = tmp_path / "dr.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(RecoveryRefusedError, match=r"dr\.json"):
        write_book(NEW, path, replaces=replaces)
    assert (path.read_text() if path.exists() else None) == content


def test_file_that_has_the_book_already(tmp_path: Path) -> None:
    """A write that is repeated succeeds."""
    path = tmp_path / "dr.json"
    for replaces in (None, None, OLD):
        write_book(NEW, path, replaces=replaces)
    assert read_book(path) == NEW


def test_file_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "dr.json", tmp_path / "dr.json"
    link.symlink_to(target)
    write_book(OLD, link)
    assert link.is_symlink()
    assert read_book(target) == OLD


def test_missing_file_and_directory(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_book(tmp_path / "dr.json")
    with pytest.raises(FileNotFoundError):
        write_book(OLD, tmp_path / "missing" / "dr.json")


def test_file_after_a_failed_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old book stays whole, and nothing is left beside it."""
    path = tmp_path / "dr.json"
    write_book(OLD, path)

    def fail(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        write_book(NEW, path, replaces=OLD)
    assert read_book(path) == OLD
    assert [each.name for each in tmp_path.iterdir()] == ["dr.json"]


def test_file_with_two_writers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two captures that replace the same book at the same time, one is refused."""
    path = tmp_path / "dr.json"
    write_book(OLD, path)
    both_write = threading.Barrier(2, timeout=0.2)

    def meet(*arguments: Any) -> bool:
        result = is_there(*arguments)
        with suppress(threading.BrokenBarrierError):
            both_write.wait()  # without a lock, both writers come here before either writes
        return result

    monkeypatch.setattr("rds_backup_replication.recovery._locations.is_there", meet)
    outcomes: list[str] = []

    def write(book: RecoveryBook) -> None:
        try:
            write_book(book, path, replaces=OLD)
            outcomes.append("written")
        except RecoveryRefusedError:
            outcomes.append("refused")

    threads = [threading.Thread(target=write, args=(book,)) for book in (NEW, OTHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "written"]


@pytest.mark.parametrize(
    "location",
    ["S3://bucket/key", "s3://bucket", "s3://bucket/", "s3:///key", "s3://b/k/", Path("s3://b/k")],
)
def test_invalid_location_in_s3(location: str | Path) -> None:
    with pytest.raises(RecoveryRefusedError, match="s3://bucket/key, as a string"):
        write_book(OLD, location)
    with pytest.raises(RecoveryRefusedError, match="s3://bucket/key, as a string"):
        read_book(location)


def test_s3_in_the_sandbox(fleet: Fleet) -> None:
    location = "s3://books/dr/fleet.json"
    s3 = fleet.sandbox.boto3_client("s3", "us-east-1")
    s3.create_bucket(Bucket="books")
    with pytest.raises(FileNotFoundError, match=r"s3://books/dr/fleet\.json"):
        read_book(location, access=fleet.access)
    with pytest.raises(RecoveryRefusedError, match="does not have the book"):
        write_book(NEW, location, replaces=OLD, access=fleet.access)
    write_book(OLD, location, access=fleet.access)
    stored = s3.get_object(Bucket="books", Key="dr/fleet.json")
    assert stored["ServerSideEncryption"] == "AES256"
    assert stored["ContentType"] == "application/json"
    assert stored["Body"].read().decode() == OLD.to_json()
    with pytest.raises(RecoveryRefusedError, match="does not have the book"):
        write_book(NEW, location, access=fleet.access)
    with pytest.raises(RecoveryRefusedError, match="does not have the book"):
        write_book(NEW, location, replaces=OTHER, access=fleet.access)
    assert read_book(location, access=fleet.access) == OLD
    write_book(NEW, location, replaces=OLD, access=fleet.access)
    write_book(NEW, location, replaces=OLD, access=fleet.access)
    write_book(NEW, location, access=fleet.access)
    assert read_book(location, access=fleet.access) == NEW
    with pytest.raises(ClientError, match="NoSuchBucket"):
        read_book("s3://none/book", access=fleet.access)


class S3:
    """An object in S3, whose client has scripted responses."""

    def __init__(self) -> None:
        self.place = S3Object("books", "dr", Access(endpoint_url="http://127.0.0.1:9"))
        self.stubber = Stubber(self.place.client)

    def sends(self, book: RecoveryBook) -> None:
        """Send a book, as the response to a read."""
        body = book.to_json().encode()
        response = {"Body": StreamingBody(BytesIO(body), len(body)), "ETag": '"etag"'}
        self.stubber.add_response("get_object", response, {"Bucket": "books", "Key": "dr"})

    def refuses(self, method: str, code: str) -> None:
        """Refuse a request."""
        self.stubber.add_client_error(method, code)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[S3]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    scripted = S3()
    with scripted.stubber:
        yield scripted
        scripted.stubber.assert_no_pending_responses()


@pytest.mark.parametrize("code", ["PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey"])
def test_s3_with_two_writers(s3: S3, code: str) -> None:
    """S3 compares the content and replaces it in one step."""
    s3.sends(OLD)
    s3.refuses("put_object", code)
    s3.sends(OTHER)
    with pytest.raises(RecoveryRefusedError, match="was left as it is"):
        s3.place.write(NEW, OLD)


def test_s3_after_a_lost_response(s3: S3) -> None:
    """botocore's second attempt meets the object that the first one wrote."""
    s3.refuses("put_object", "PreconditionFailed")
    s3.sends(NEW)
    s3.place.write(NEW, None)


def test_s3_with_a_caller_that_may_only_write(s3: S3) -> None:
    s3.refuses("put_object", "PreconditionFailed")
    s3.refuses("get_object", "AccessDenied")
    with pytest.raises(RecoveryRefusedError, match="was left as it is"):
        s3.place.write(NEW, None)


def test_s3_that_denies_access(s3: S3) -> None:
    s3.refuses("put_object", "AccessDenied")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.place.write(NEW, None)
    s3.refuses("get_object", "AccessDenied")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.place.read()


def test_s3_in_a_region_that_is_lost(s3: S3, monkeypatch: pytest.MonkeyPatch) -> None:
    """The book can be read although the default Region is the one that does not answer."""
    s3.sends(OLD)
    working, asked = s3.place.client, list[str | None]()

    class Lost:
        def get_object(self, **_: str) -> None:
            raise EndpointConnectionError(endpoint_url="https://books.s3.us-west-2.amazonaws.com")

    def create(_: S3Object, region_name: str | None) -> Any:
        asked.append(region_name)
        return Lost() if region_name is None else working

    monkeypatch.setattr(S3Object, "create_client", create)
    monkeypatch.setenv("AWS_REGION", "us-west-2")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    place = S3Object("books", "dr", Access())
    assert place.read() == OLD.to_json().encode()
    assert asked == [None, "aws-global"]
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(EndpointConnectionError):
        S3Object("books", "dr", Access()).read()


def test_s3_client_for_any_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients without a Region, and for any Region, find a bucket by its own name."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sandbox")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sandbox")
    place = S3Object("books", "dr", Access())
    for region_name in (None, "aws-global"):
        client = place.create_client(region_name)
        assert client.meta.endpoint_url == "https://s3.amazonaws.com"
    assert place.create_client("eu-west-1").meta.endpoint_url == (
        "https://s3.eu-west-1.amazonaws.com"
    )
