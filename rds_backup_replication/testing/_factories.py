"""Factories of valid models for tests, one for each model, with consistent defaults.

The default source is ``mydatabase`` in us-west-2, which replicates to us-east-1.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timezone
from difflib import get_close_matches
from inspect import Parameter, Signature
from typing import Any, NamedTuple, ParamSpec, TypeVar

from typing_extensions import Unpack

from .._arn import parse_arn
from .._models import (
    AdditionalStorageVolume,
    BackupStatus,
    DBInstanceAutomatedBackup,
    DBInstanceAutomatedBackupsReplication,
    DeleteDBInstanceAutomatedBackupRequest,
    DescribeDBInstanceAutomatedBackupsRequest,
    DescribeSourceRegionsRequest,
    Filter,
    RestoreWindow,
    SourceRegion,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    StopDBInstanceAutomatedBackupsReplicationRequest,
    Tag,
    TagsInput,
)
from .._models._instance import DBInstance
from .._models._instance_parts import Endpoint, ProcessorFeature
from .._models._restore import (
    RestoreDBInstanceToPointInTimeRequest,
    RestoreOptions,
    TagSpecification,
)

P = ParamSpec("P")
ModelT = TypeVar("ModelT")
Fields = Mapping[str, Any]

_ACCOUNT = "123456789012"
_SOURCE_REGION = "us-west-2"
# By partition: a source replicates to the first of these Regions that is not its own.
_DESTINATIONS = {
    "aws": ("us-east-1", _SOURCE_REGION),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-west-1", "us-gov-east-1"),
}
_CREATED = datetime(2026, 1, 1, 9, 30, tzinfo=timezone.utc)
_EARLIEST = datetime(2026, 1, 8, 12, 0, tzinfo=timezone.utc)
_LATEST = datetime(2026, 1, 15, 12, 0, tzinfo=timezone.utc)
_RETENTION_DAYS = 7
_PORT = 5432
_NOTHING_TO_RESTORE = (BackupStatus.PENDING, BackupStatus.CREATING)


class _Source(NamedTuple):
    """A source instance and the parts of its ARN."""

    arn: str
    partition: str
    region: str
    account_id: str
    identifier: str

    @property
    def resource_id(self) -> str:
        """Return the ``DbiResourceId``."""
        return f"db-{_digest(self.arn)[:26]}"

    @property
    def destination(self) -> str:
        """Return the Region that the source replicates to."""
        regions = _DESTINATIONS.get(self.partition, _DESTINATIONS["aws"])
        return next(region for region in regions if region != self.region)

    @property
    def backup_arn(self) -> str:
        """Return the ARN of the replicated backup."""
        prefix = f"arn:{self.partition}:rds:{self.destination}:{self.account_id}"
        return f"{prefix}:auto-backup:ab-{_digest(self.arn)[:32].lower()}"

    @property
    def kms_key_id(self) -> str:
        """Return the ARN of the KMS key that encrypts the replicated backup."""
        return _kms_key_arn(self.partition, self.destination, self.account_id)


def _digest(text: str) -> str:
    """Return a hash of the text, in Base32."""
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode()


def _kms_key_arn(partition: str, region: str, account_id: str) -> str:
    return f"arn:{partition}:kms:{region}:{account_id}:key/1234abcd-12ab-34cd-56ef-1234567890ab"


def _source(fields: Fields) -> _Source:
    """Return the source that the fields identify by ARN, or by Region and identifier."""
    region = fields.get("region") or _SOURCE_REGION
    identifier = fields.get("db_instance_identifier") or "mydatabase"
    text = fields.get("db_instance_arn") or f"arn:aws:rds:{region}:{_ACCOUNT}:db:{identifier}"
    arn = parse_arn(text)
    if arn is None:
        raise ValueError(f"db_instance_arn={text!r} is not an ARN")
    return _Source(text, arn.partition, arn.region, arn.account_id, arn.resource.partition(":")[2])


SOURCE = _source({})
"""The source instance that the default models refer to."""


def factory(
    model: Callable[P, ModelT],
) -> Callable[[Callable[[Fields], Fields]], Callable[P, ModelT]]:
    """Return a decorator that turns a function for default values into a factory.

    The factory has the same parameters as the model.
    """
    known: Fields = vars(model)["__pydantic_fields__"]

    def decorate(defaults: Callable[[Fields], Fields]) -> Callable[P, ModelT]:
        name = defaults.__name__

        def make(*args: P.args, **fields: P.kwargs) -> ModelT:
            for field in fields:
                # Response models keep unknown fields, because RDS may add some. Here, reject typos.
                if field not in known:
                    near = get_close_matches(field, known, n=1)
                    hint = f"; did you mean {near[0]}?" if near else ""
                    raise TypeError(f"{name}() got an unexpected keyword argument {field!r}{hint}")
            for field, value in defaults(fields).items():
                fields.setdefault(field, value)
            return model(*args, **fields)

        make.__name__ = make.__qualname__ = name
        make.__doc__ = defaults.__doc__
        signature = Signature([Parameter("fields", Parameter.VAR_KEYWORD)])
        vars(make)["__signature__"] = signature.replace(return_annotation=model)
        return make

    return decorate


def _engine_fields(fields: Fields, **more: object) -> Fields:
    """Return the fields that depend on the engine; only those of the default engine are known."""
    if fields.get("engine", "postgres") != "postgres":
        return {}
    return {"engine": "postgres", "engine_version": "17.4", "master_username": "postgres", **more}


@factory(DBInstanceAutomatedBackup)
def make_automated_backup(fields: Fields) -> Fields:
    """Return a replicated backup, ``replicating`` by default.

    The Region, identifiers and ARNs are derived from ``db_instance_arn``, or from
    ``region`` and ``db_instance_identifier``. The ``restore_window`` depends on the
    status: a ``pending`` backup has an empty one. A backup with a ``kms_key_id`` is
    encrypted.
    """
    source = _source(fields)
    status = BackupStatus(fields.get("status") or BackupStatus.REPLICATING)
    encrypted = fields.get("encrypted", fields.get("kms_key_id") is not None)
    window = RestoreWindow() if status in _NOTHING_TO_RESTORE else make_restore_window()
    return {
        **_engine_fields(fields, port=_PORT, license_model="postgresql-license"),
        "db_instance_arn": source.arn,
        "dbi_resource_id": source.resource_id,
        "region": source.region,
        "db_instance_identifier": source.identifier,
        "restore_window": window,
        "allocated_storage": 20,
        "status": status,
        "instance_create_time": _CREATED,
        "encrypted": encrypted,
        "storage_type": "gp3",
        "kms_key_id": source.kms_key_id if encrypted else None,
        "iam_database_authentication_enabled": False,
        "backup_retention_period": _RETENTION_DAYS,
        "db_instance_automated_backups_arn": source.backup_arn,
        "tag_list": (),
    }


@factory(DBInstance)
def make_db_instance(fields: Fields) -> Fields:
    """Return a DB instance, ``available`` by default: the source of the default backup.

    The identifier, resource ID and endpoint are derived from ``db_instance_arn``, or
    the ARN from ``db_instance_identifier``. The instance lists no replications. An
    instance with a ``kms_key_id`` is encrypted.
    """
    source = _source(fields)
    encrypted = fields.get("storage_encrypted", fields.get("kms_key_id") is not None)
    address = f"{source.identifier}.c1example.{source.region}.rds.amazonaws.com"
    creating = fields.get("db_instance_status") == "creating"
    return {
        **_engine_fields(fields),
        "db_instance_identifier": source.identifier,
        "db_instance_arn": source.arn,
        "dbi_resource_id": source.resource_id,
        "db_instance_status": "available",
        "db_instance_class": "db.t3.micro",
        "endpoint": None if creating else make_endpoint(address=address),
        "allocated_storage": 20,
        "storage_type": "gp3",
        "storage_encrypted": encrypted,
        "kms_key_id": _kms_key_arn(*source[1:4]) if encrypted else None,
        "instance_create_time": None if creating else _CREATED,
        "latest_restorable_time": None if creating else _LATEST,
        "backup_retention_period": _RETENTION_DAYS,
        "availability_zone": f"{source.region}a",
        "multi_az": False,
        "deletion_protection": False,
        "db_instance_automated_backups_replications": (),
        "tag_list": (),
    }


@factory(DBInstanceAutomatedBackupsReplication)
def make_db_instance_automated_backups_replication(_fields: Fields) -> Fields:
    """Return the replication that a source instance lists, by default to the default backup."""
    return {"db_instance_automated_backups_arn": SOURCE.backup_arn}


@factory(RestoreWindow)
def make_restore_window(_fields: Fields) -> Fields:
    """Return a restore window of one week that ends at 2026-01-15 12:00 UTC."""
    return {"earliest_time": _EARLIEST, "latest_time": _LATEST}


@factory(Endpoint)
def make_endpoint(_fields: Fields) -> Fields:
    """Return the endpoint of the default instance."""
    address = f"{SOURCE.identifier}.c1example.{SOURCE.region}.rds.amazonaws.com"
    return {"address": address, "port": _PORT, "hosted_zone_id": "Z1EXAMPLE"}


@factory(SourceRegion)
def make_source_region(fields: Fields) -> Fields:
    """Return a Region to replicate backups from, with an endpoint derived from its name."""
    region_name = fields.get("region_name") or _SOURCE_REGION
    return {
        "region_name": region_name,
        "endpoint": f"https://rds.{region_name}.amazonaws.com",
        "status": "available",
        "supports_db_instance_automated_backups_replication": True,
    }


@factory(AdditionalStorageVolume)
def make_additional_storage_volume(_fields: Fields) -> Fields:
    """Return a storage volume, which is valid in responses and requests."""
    return {"volume_name": "rdsdbdata2", "allocated_storage": 200, "storage_type": "gp3"}


@factory(Tag)
def make_tag(_fields: Fields) -> Fields:
    """Return the tag ``env=test``."""
    return {"key": "env", "value": "test"}


@factory(DescribeDBInstanceAutomatedBackupsRequest)
def make_describe_db_instance_automated_backups_request(_fields: Fields) -> Fields:
    """Return the request to list all backups, unless fields restrict the request."""
    return {}


@factory(DescribeSourceRegionsRequest)
def make_describe_source_regions_request(_fields: Fields) -> Fields:
    """Return the request to list all source Regions, unless fields restrict the request."""
    return {}


@factory(DeleteDBInstanceAutomatedBackupRequest)
def make_delete_db_instance_automated_backup_request(fields: Fields) -> Fields:
    """Return the request to delete a backup, by default the default backup."""
    if fields.get("dbi_resource_id") is not None:
        return {}
    return {"db_instance_automated_backups_arn": SOURCE.backup_arn}


# The factories below have their own signatures, because the models have required parameters.


def make_start_db_instance_automated_backups_replication_request(
    *,
    source_db_instance_arn: str = SOURCE.arn,
    backup_retention_period: int | None = None,
    kms_key_id: str | None = None,
    pre_signed_url: str | None = None,
    tags: TagsInput | None = None,
    source_region: str | None = None,
) -> StartDBInstanceAutomatedBackupsReplicationRequest:
    """Return the request to replicate the default instance, by default with its ARN only."""
    return StartDBInstanceAutomatedBackupsReplicationRequest.model_validate(
        {
            "source_db_instance_arn": source_db_instance_arn,
            "backup_retention_period": backup_retention_period,
            "kms_key_id": kms_key_id,
            "pre_signed_url": pre_signed_url,
            "tags": tags,
            "source_region": source_region,
        }
    )


def make_stop_db_instance_automated_backups_replication_request(
    *, source_db_instance_arn: str = SOURCE.arn
) -> StopDBInstanceAutomatedBackupsReplicationRequest:
    """Return the request to stop the replication of the default instance."""
    return StopDBInstanceAutomatedBackupsReplicationRequest(
        source_db_instance_arn=source_db_instance_arn
    )


def make_restore_db_instance_to_point_in_time_request(
    *,
    source_db_instance_automated_backups_arn: str = SOURCE.backup_arn,
    target_db_instance_identifier: str = "restored",
    restore_time: datetime | None = None,
    use_latest_restorable_time: bool | None = None,
    **options: Unpack[RestoreOptions],
) -> RestoreDBInstanceToPointInTimeRequest:
    """Return the request to restore the default backup, by default to the latest time."""
    if restore_time is None and use_latest_restorable_time is None:
        use_latest_restorable_time = True
    fields = dict(
        options,
        source_db_instance_automated_backups_arn=source_db_instance_automated_backups_arn,
        target_db_instance_identifier=target_db_instance_identifier,
        restore_time=restore_time,
        use_latest_restorable_time=use_latest_restorable_time,
    )
    unknown = fields.keys() - RestoreDBInstanceToPointInTimeRequest.model_fields.keys()
    if unknown:
        raise TypeError(f"unexpected keyword arguments: {', '.join(sorted(unknown))}")
    return RestoreDBInstanceToPointInTimeRequest.model_validate(fields)


def make_filter(*, name: str = "status", values: Sequence[str] = ("active",)) -> Filter:
    """Return the filter for the backups of existing instances."""
    return Filter(name=name, values=values)


@factory(ProcessorFeature)
def make_processor_feature(_fields: Fields) -> Fields:
    """Return the processor setting for two cores, which is valid in responses and requests."""
    return {"name": "coreCount", "value": "2"}


def make_tag_specification(
    *, resource_type: str = "auto-backup", tags: Iterable[Tag] | None = None
) -> TagSpecification:
    """Return the tags for the backup of a restored instance, ``env=test`` by default."""
    chosen = [make_tag()] if tags is None else list(tags)
    return TagSpecification(resource_type=resource_type, tags=chosen)
