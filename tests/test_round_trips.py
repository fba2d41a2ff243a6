"""Tests that every public model can be written as JSON and YAML, and read again."""

import json
from datetime import datetime, timezone
from typing import Any, get_args, get_origin, get_type_hints

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

import rds_backup_replication
from rds_backup_replication import BackupStatus, fleet, testing
from rds_backup_replication._models import ResponseModel

from .fleet_examples import FLEET_EXAMPLES, NOON, TAGS
from .wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN

VALUES: dict[Any, st.SearchStrategy[Any]] = {
    bool: st.booleans(),
    int: st.integers(-(2**63), 2**63),
    str: st.text(st.characters(codec="utf-8")),
    BackupStatus: st.text(st.characters(codec="utf-8")).map(BackupStatus),
    datetime: st.datetimes(timezones=st.sampled_from([timezone.utc, NOON.tzinfo])),
}


def values(annotation: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for the values of a field of a response."""
    if isinstance(annotation, type) and issubclass(annotation, ResponseModel):
        hints = get_type_hints(annotation)
        fields = {name: values(hints[name]) for name in annotation.model_fields}
        return st.fixed_dictionaries({}, optional=fields).map(lambda given: annotation(**given))
    if get_origin(annotation) is tuple:
        return st.lists(values(get_args(annotation)[0]), max_size=2).map(tuple)
    if annotation in VALUES:
        return VALUES[annotation]
    kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
    return st.one_of(*map(values, kinds))


def public_models() -> list[type[BaseModel]]:
    """Return the public models of the package and of fleets."""
    public: list[object] = [
        getattr(module, name)
        for module in (rds_backup_replication, fleet)
        for name in module.__all__
    ]
    return [kind for kind in public if isinstance(kind, type) and issubclass(kind, BaseModel)]


RESPONSES = [kind for kind in public_models() if issubclass(kind, ResponseModel)]

FILTER = testing.make_filter()
RESTORE_OPTIONS: dict[str, Any] = {
    name: {"int": 5432, "bool": True, "str": "some-text"}.get(getattr(kind, "__name__", ""))
    for name, kind in get_type_hints(rds_backup_replication.RestoreOptions).items()
}
RESTORE_OPTIONS.update(
    tags=TAGS,
    vpc_security_group_ids=["sg-1"],
    domain_dns_ips=["192.0.2.1", "192.0.2.2"],
    enable_cloudwatch_logs_exports=["postgresql"],
    processor_features=[testing.make_processor_feature()],
    additional_storage_volumes=[testing.make_additional_storage_volume(iops=3000)],
    tag_specifications=[testing.make_tag_specification()],
    master_user_secret_kms_key_id=KMS_KEY_ARN,
    backup_retention_period=0,
)
# Every field of a model has a value in one of its examples.
EXAMPLES: tuple[BaseModel, ...] = (
    FILTER,
    testing.make_check_reason(),
    testing.make_tag_specification(),
    testing.make_start_db_instance_automated_backups_replication_request(
        source_db_instance_arn=SOURCE_ARN,
        backup_retention_period=14,
        kms_key_id=KMS_KEY_ARN,
        pre_signed_url="https://rds.us-west-2.amazonaws.com/?X=1",
        tags=TAGS,
        source_region="us-west-2",
    ),
    testing.make_stop_db_instance_automated_backups_replication_request(),
    rds_backup_replication.DescribeDBInstanceAutomatedBackupsRequest(
        dbi_resource_id="db-1",
        db_instance_identifier="orders",
        filters=[FILTER],
        max_records=20,
        marker="2",
        db_instance_automated_backups_arn=BACKUP_ARN,
    ),
    rds_backup_replication.DeleteDBInstanceAutomatedBackupRequest(dbi_resource_id="db-1"),
    rds_backup_replication.DeleteDBInstanceAutomatedBackupRequest(
        db_instance_automated_backups_arn=BACKUP_ARN
    ),
    rds_backup_replication.DescribeSourceRegionsRequest(
        region_name="us-west-2", max_records=100, marker="2", filters=[FILTER]
    ),
    testing.make_restore_db_instance_to_point_in_time_request(restore_time=NOON),
    testing.make_restore_db_instance_to_point_in_time_request(**RESTORE_OPTIONS),
    *FLEET_EXAMPLES,
)


def assert_round_trips(model: BaseModel) -> None:
    """Assert that JSON and YAML, under either kind of name, lead back to an equal model."""
    for by_alias in (False, True):
        text = model.model_dump_json(by_alias=by_alias)
        assert type(model).model_validate_json(text) == model
        dumped = model.model_dump(mode="json", by_alias=by_alias)
        written: str = yaml.safe_dump(dumped)  # pyright: ignore[reportUnknownMemberType]
        assert yaml.safe_load(written) == dumped == json.loads(text)


@pytest.mark.parametrize("model", RESPONSES)
def test_response_model_round_trips(model: type[ResponseModel]) -> None:
    @settings(max_examples=20, deadline=None)
    @given(values(model))
    def run(drawn: ResponseModel) -> None:
        assert_round_trips(drawn)
        as_boto3 = drawn.model_dump(by_alias=True, exclude_none=True)
        assert model.model_validate(as_boto3) == drawn

    run()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: type(example).__name__)
def test_filled_model_round_trips(example: BaseModel) -> None:
    assert_round_trips(example)


def test_examples_fill_every_field() -> None:
    filled = {
        (type(example), name)
        for example in EXAMPLES
        for name, value in example
        if value not in (None, (), {})
    }
    fields = {
        (kind, name) for kind in set(public_models()) - set(RESPONSES) for name in kind.model_fields
    }
    assert {f"{kind.__name__}.{name}" for kind, name in fields - filled} == set()
