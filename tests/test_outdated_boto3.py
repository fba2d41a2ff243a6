"""Tests with a boto3 that is older than the library, or that is found before a newer one."""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
import botocore.session
import pytest
from boto3.session import Session
from botocore.exceptions import ParamValidationError
from botocore.loaders import Loader

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._botocore.outdated import MIN_BOTO3
from rds_backup_replication.cli._errors import ExitCode, explain
from rds_backup_replication.exceptions import OutdatedBoto3Error

from .validation_cases import RESTORE
from .wire import SOURCE_ARN, ScriptedRDS

HERE = str(Path(botocore.__file__).parent)
START = "StartDBInstanceAutomatedBackupsReplication"
REGIONS = "DescribeSourceRegions"
RESTORE_NAME = "RestoreDBInstanceToPointInTime"
Call = Callable[[BackupReplicationClient], object]


def start(client: BackupReplicationClient) -> object:
    return client.start_db_instance_automated_backups_replication(
        source_db_instance_arn=SOURCE_ARN, tags={"env": "prod"}
    )


def restore(client: BackupReplicationClient) -> object:
    tags: Any = [{"ResourceType": "auto-backup"}]
    return client.restore_db_instance_to_point_in_time(
        **RESTORE, use_latest_restorable_time=True, tag_specifications=tags
    )


def list_regions(client: BackupReplicationClient) -> object:
    return list(client.describe_source_regions())


# What an older model of RDS lacks, the call that needs it, and how the error names it.
CASES = [
    (f"shapes/{START}Message/members/Tags", start, f"{START} tags"),
    (
        "shapes/TagSpecification/members/ResourceType",
        restore,
        f"{RESTORE_NAME} tag_specifications[0].resource_type",
    ),
    (f"operations/{REGIONS}", list_regions, f"{REGIONS} None"),
    (f"operations/{START}", start, f"{START} None"),
]


def older_client(rds: ScriptedRDS, path: str) -> BackupReplicationClient:
    """Return a client on a model of RDS that lacks one member."""

    class OlderLoader(Loader):
        def load_service_model(self, *arguments: Any, **keywords: Any) -> Any:
            model: Any = super().load_service_model(*arguments, **keywords)
            *steps, name = path.split("/")
            node = model
            for step in steps:
                node = node.get(step, {})
            node.pop(name, None)
            return model

    session = botocore.session.Session()
    session.set_credentials("a", "b")
    session.register_component("data_loader", OlderLoader())
    boto3_session = Session(botocore_session=session, region_name="us-east-1")
    return BackupReplicationClient(session=boto3_session, endpoint_url=rds.endpoint_url)


@pytest.mark.parametrize(("path", "call", "named"), CASES)
def test_outdated_boto3_is_named(rds: ScriptedRDS, path: str, call: Call, named: str) -> None:
    with pytest.raises(OutdatedBoto3Error) as caught:
        call(older_client(rds, path))
    error = caught.value
    assert f"{error.operation_name} {error.parameter}" == named
    assert error.installed == f"botocore {botocore.__version__} in {HERE}"
    assert error.needed == "a newer boto3"  # the version is new enough, but the model is not
    assert rds.received == []
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301


def test_needed_version_is_that_of_the_package(
    rds: ScriptedRDS, monkeypatch: pytest.MonkeyPatch
) -> None:
    pyproject = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert f'"boto3>={MIN_BOTO3}"' in pyproject
    monkeypatch.setattr(botocore, "__version__", "1.9.300")
    with pytest.raises(OutdatedBoto3Error) as caught:
        start(older_client(rds, CASES[0][0]))
    assert str(caught.value) == (
        f"{START} was not sent: botocore 1.9.300 in {HERE} does not know its parameter tags. "
        f"Install boto3 {MIN_BOTO3} or newer: pip install --upgrade boto3. If that is installed "
        "already, another directory of sys.path comes first."
    )


def test_other_finding_of_botocore_passes_through(rds: ScriptedRDS) -> None:
    client = rds.client()

    def spoil(params: dict[str, Any], **_: Any) -> None:
        params["BackupRetentionPeriod"] = "many"

    events: Any = client.client.meta.events
    events.register("provide-client-params.rds", spoil)
    with pytest.raises(ParamValidationError, match="BackupRetentionPeriod"):
        client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)


def test_command_line_shows_the_remedy_alone() -> None:
    error = OutdatedBoto3Error("Start", "tags", "botocore 1.2", "boto3 1.3")
    explanation = explain(error)
    assert (explanation.code, str(explanation)) == (ExitCode.OTHER, str(error))
