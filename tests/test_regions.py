"""Tests that a client is created only for a Region's name, and that errors name the nearest."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import NoRegionError
from botocore.loaders import Loader

from rds_backup_replication import BackupReplicationClient, _regions
from rds_backup_replication.exceptions import RequestValidationError

from .process_cases import run_python
from .wire import SOURCE_ARN

MEANT = "must be the name of a Region; did you mean us-east-1?"
NEAREST = [
    ("US-EAST-1", MEANT),
    ("us-east-1a", MEANT),
    ("us-east-1-bos-1a", MEANT),
    ("useast1", MEANT),
    ("us_east_1", MEANT),
    ("us-easst1", MEANT),
    ("US East (N. Virginia)", MEANT),
    (b"us-east-1", MEANT),
    ("us-east-1\n", f"ends in a line break; it {MEANT}"),
    ("us-east-1 ", f"ends in a blank; it {MEANT}"),
    (" us-east-1\r\n", f"begins with a blank and ends in a line break; it {MEANT}"),
    ("us-\neast-1", f"has a line break within; it {MEANT}"),
    ("eusc-de-east1", "must be the name of a Region; did you mean eusc-de-east-1?"),
    ("us-gov-west1", "must be the name of a Region; did you mean us-gov-west-1?"),
    ("", "must be the name of a Region, such as us-west-2"),
    (" ", "is blank; it must be the name of a Region, such as us-west-2"),
    (1, "must be the name of a Region, such as us-west-2"),
    ("evil.example/x?" * 10_000, "must be the name of a Region, such as us-west-2"),
]


def error_of(create: Callable[..., object], **keywords: Any) -> str:
    with pytest.raises(RequestValidationError) as caught:
        create(**keywords)
    (error,) = caught.value.errors
    assert str(caught.value) == f"BackupReplicationClient was not created:\n  {error}"
    return str(error)


@pytest.mark.parametrize(("name", "message"), NEAREST)
def test_invalid_region_is_refused(session: Session, name: Any, message: str) -> None:
    error = error_of(BackupReplicationClient, session=session, region_name=name)
    assert error.startswith("region_name=")
    assert error.endswith(f" {message}")


def test_region_of_session_and_config_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    origin = "(of the session, the environment or the profile)"
    for keywords in (
        {"session": Session(region_name="US-EAST-1")},
        {"session": Session(), "config": Config(region_name="US-EAST-1")},
    ):
        error = error_of(BackupReplicationClient, **keywords)
        assert error == f"region_name='US-EAST-1' {origin} {MEANT}"
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1\n")
    error = error_of(BackupReplicationClient)
    assert error == f"region_name='us-east-1\\n' {origin} ends in a line break; it {MEANT}"


def test_empty_region_of_environment_is_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "")
    with pytest.raises(NoRegionError):
        BackupReplicationClient(session=Session())


def test_region_of_given_client_is_checked(session: Session) -> None:
    untyped: Any = session
    clients = {name: untyped.client("rds", region_name=name) for name in ("us-east-1", "US-EAST-1")}
    error = error_of(BackupReplicationClient, client=clients["US-EAST-1"])
    assert error == f"client.meta.region_name='US-EAST-1' {MEANT}"
    error = error_of(
        BackupReplicationClient, client=clients["us-east-1"], source_client=clients["US-EAST-1"]
    )
    assert error == f"source_client.meta.region_name='US-EAST-1' {MEANT}"


def test_new_region_is_accepted(session: Session) -> None:
    client = BackupReplicationClient(session=session, region_name="xx-new-1")
    assert client.region_name == "xx-new-1"


def test_region_of_parameter_has_nearest_name(client: BackupReplicationClient) -> None:
    with pytest.raises(RequestValidationError, match="did you mean us-west-2"):
        client.start_db_instance_automated_backups_replication(
            source_db_instance_arn=SOURCE_ARN, source_region="us-west-2a"
        )


def test_missing_list_of_regions_leaves_the_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Loader, "file_loader", None, raising=False)
    monkeypatch.setattr(Loader, "CUSTOMER_DATA_PATH", "/nowhere")
    monkeypatch.setattr(Loader, "BUILTIN_DATA_PATH", "/nowhere")
    assert _regions.explain_region_name("useast1") == (
        "must be the name of a Region, such as us-west-2"
    )


def test_valid_region_loads_no_list() -> None:
    code = (
        "import sys\n"
        "from rds_backup_replication._regions import explain_region_name\n"
        "assert explain_region_name('us-east-1') is None\n"
        "assert not {'botocore.loaders', 'difflib'} & set(sys.modules)\n"
    )
    ran = run_python(code)
    assert ran.returncode == 0, ran.stderr


def test_name_with_fips_is_accepted() -> None:
    """botocore replaces it by the Region, with the FIPS endpoints."""
    assert BackupReplicationClient(region_name="us-east-1-fips").region_name == "us-east-1"
