"""What one destination answers to the questions of a readiness check, each asked once."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from .._arn import parse_arn
from .._models import CheckReason, DBInstanceAutomatedBackup
from .._models._instance import DBInstance
from .._models._instance_parts import DBSubnetGroup
from .._redact import hide_secrets
from .._workflows.kms import describe_key
from .._workflows.reasons import could_not_be_checked, key_not_described, key_reasons
from ..exceptions import ResponseValidationError
from ..fleet._destination import ACCOUNT_ERRORS, AccountDestination, DestinationReader
from . import _operations as op
from ._book import BookEntry
from ._captured_groups import changed_parameters
from ._records import ReadinessReason
from ._restore_target import choose_backup, drill_settings
from ._settings import InstanceSettings
from ._targets import is_default_group

T = TypeVar("T")
Answer: TypeAlias = T | ReadinessReason
"""What AWS answered, or the reason for a question that AWS did not answer."""

_IDS_PER_FILTER = 200  # the most values that EC2 takes for one filter
_NOT_ALLOWED = ("AccessDenied", "UnauthorizedOperation")


class ClassQuery(NamedTuple):
    """An instance class of an engine version, of which RDS says where it is offered."""

    engine: str
    engine_version: str | None
    db_instance_class: str
    license_model: str | None


class KeyCondition(NamedTuple):
    """The state of a KMS key, and why RDS cannot use the key."""

    state: str | None
    """State in KMS's words; ``None`` if the key does not exist."""
    reasons: tuple[CheckReason, ...]


class InstanceQuota(NamedTuple):
    """The quotas of DB instances and of their storage of the account in the Region."""

    free: int
    maximum: int
    free_storage: int | None = None
    """Storage in GiB; ``None`` if RDS does not say."""
    maximum_storage: int | None = None


class Restore(NamedTuple):
    """A restore that would be requested: the entry, the settings and the backup."""

    entry: BookEntry
    settings: InstanceSettings
    backup: DBInstanceAutomatedBackup | None

    @property
    def is_encrypted(self) -> bool:
        """Return whether the storage is encrypted."""
        return self.entry.is_encrypted or bool(self.backup and self.backup.encrypted)

    def fitting_offers(self, answers: "Answers") -> list[op.OrderableDBInstanceOption]:
        """Return the offers of the class that fit the settings."""
        offers = answers.offers.get(self.class_query) if self.class_query else None
        if offers is None or isinstance(offers, ReadinessReason):
            return []
        storage_type = self.settings.storage_type
        return [
            offer
            for offer in offers
            if storage_type is None or offer.storage_type in (None, storage_type)
            if not (self.settings.multi_az and offer.multi_az_capable is False)
            if not (self.is_encrypted and offer.supports_storage_encryption is False)
            if not self._lacks(offer)
        ]

    def _lacks(self, offer: op.OrderableDBInstanceOption) -> bool:
        """Return whether an offer lacks a feature of the settings, or is too small."""
        settings = self.settings
        types, iops = offer.supported_network_types, offer.max_iops_per_db_instance
        return any(
            (
                settings.enable_iam_database_authentication
                and offer.supports_iam_database_authentication is False,
                settings.enable_performance_insights
                and offer.supports_performance_insights is False,
                settings.monitoring_interval and offer.supports_enhanced_monitoring is False,
                settings.dedicated_log_volume and offer.supports_dedicated_log_volume is False,
                settings.network_type and types and settings.network_type not in types,
                settings.iops and iops is not None and settings.iops > iops,
                offer.max_storage_size is not None and self.storage > offer.max_storage_size,
            )
        )

    @property
    def storage(self) -> int:
        """Return the size of the storage in GiB, as far as it is known."""
        sizes = self.entry.allocated_storage, self.backup and self.backup.allocated_storage
        return max(size or 0 for size in sizes)

    def offered_zones(self, answers: "Answers") -> set[str]:
        """Return the zones with fitting offers of the class; empty if that is not known."""
        return {
            zone.name
            for offer in self.fitting_offers(answers)
            for zone in offer.availability_zones or ()
            if zone.name
        }

    @property
    def engine_version(self) -> str | None:
        """Return the version of the backup, which may be newer than that of the book."""
        return (self.backup and self.backup.engine_version) or self.entry.engine_version

    @property
    def class_query(self) -> ClassQuery | None:
        """Return the class to ask for; ``None`` if the book has none."""
        entry, settings = self.entry, self.settings
        if settings.db_instance_class is None:
            return None
        return ClassQuery(
            *(entry.engine, self.engine_version),
            *(settings.db_instance_class, settings.license_model),
        )

    @property
    def backup_key(self) -> str | None:
        """Return the KMS key of the backup; ``None`` if it has none."""
        return self.backup.kms_key_id if self.backup else None

    @property
    def settings_keys(self) -> dict[str, str]:
        """Return the KMS keys that settings name, each by what it encrypts."""
        settings = self.settings
        keys = {
            "Performance Insights": (
                settings.enable_performance_insights,
                settings.performance_insights_kms_key_id,
            ),
            "the master user's secret": (
                settings.manage_master_user_password,
                settings.master_user_secret_kms_key_id,
            ),
        }
        return {name: key for name, (is_on, key) in keys.items() if is_on and key}


@dataclass
class Answers:
    """The answers of one destination. Names of groups and instances are in lower case."""

    region_name: str
    backups: Answer[list[DBInstanceAutomatedBackup]]
    restores: list[Restore]
    instances: Answer[dict[str, DBInstance]]
    quota: Answer[InstanceQuota]
    subnet_groups: Answer[dict[str, DBSubnetGroup]]
    parameter_groups: Answer[dict[str, op.DBParameterGroup]]
    option_groups: Answer[dict[str, op.OptionGroup]]
    parameters: dict[str, Answer[dict[str, str]]]
    """The changed parameters of the groups that restores use."""
    offers: dict[ClassQuery, Answer[list[op.OrderableDBInstanceOption]]]
    keys: dict[str, Answer[KeyCondition]]
    security_groups: Answer[dict[str, str | None]]
    """The VPC of each security group that exists."""


def of_check(reason: CheckReason) -> ReadinessReason:
    """Return the reason of an unanswered question as one of a readiness check."""
    return ReadinessReason(
        code="could_not_be_checked", message=reason.message, remedy=reason.remedy
    )


class ReadinessReader(DestinationReader):
    """A reader of all that a restore needs in a destination; it asks no other Region."""

    def __init__(self, destination: AccountDestination) -> None:
        super().__init__(destination)
        self._region_name = destination.destination_region
        self._account_id = destination.account.id

    def read(
        self, entries: Iterable[BookEntry], *, for_drill: bool, at: datetime | None = None
    ) -> Answer[Answers]:
        """Return all answers, or the reason why the account cannot be asked at all."""
        caller = self._ask("whether the instance could be restored", self.check_caller)
        if isinstance(caller, ReadinessReason):
            return caller
        backups = self._ask("whether the instance has a backup", self._list_all)
        listed = [] if isinstance(backups, ReadinessReason) else backups
        restores = [
            Restore(
                entry,
                drill_settings(entry) if for_drill else entry.target,
                choose_backup(entry, listed, at),
            )
            for entry in entries
        ]
        answers = Answers(
            region_name=self._region_name,
            backups=backups,
            restores=restores,
            instances=self._ask("which instances exist", self._read_instances),
            quota=self._ask("what the quota of DB instances is", self._read_quota),
            subnet_groups=self._ask("which DB subnet groups exist", self._read_subnet_groups),
            parameter_groups=self._ask(
                "which DB parameter groups exist", self._read_parameter_groups
            ),
            option_groups=self._ask("which option groups exist", self._read_option_groups),
            parameters={},
            offers={},
            keys={},
            security_groups={},
        )
        self._read_details(answers)
        return answers

    def _read_details(self, answers: Answers) -> None:
        """Ask what depends on the restores, each question once."""
        restores = answers.restores
        for query in sorted({q for r in restores if (q := r.class_query)}, key=str):
            question = f"where {query.db_instance_class} is offered"
            answers.offers[query] = self._ask(question, partial(self._read_offers, query))
        groups = answers.parameter_groups
        existing = set[str]() if isinstance(groups, ReadinessReason) else set(groups)
        names = {(r.settings.db_parameter_group_name or "").lower() for r in restores}
        for name in sorted(names & existing):
            if not is_default_group(name):
                question = f"the parameters of the DB parameter group {name}"
                answers.parameters[name] = self._ask(question, partial(self._read_parameters, name))
        keys = {key for r in restores for key in (r.backup_key, *r.settings_keys.values()) if key}
        for key in sorted(keys):
            answers.keys[key] = self._ask_key(key)
        ids = {i for r in restores for i in r.settings.vpc_security_group_ids or ()}
        if ids:
            answers.security_groups = self._ask_security_groups(sorted(ids))

    def _ask(self, question: str, read: Callable[[], T]) -> Answer[T]:
        try:
            return read()
        except ACCOUNT_ERRORS as error:
            return of_check(could_not_be_checked(question, error, self._region_name))

    def _list_all(self) -> list[DBInstanceAutomatedBackup]:
        self.list_backups()
        return self.listed

    def _read_instances(self) -> dict[str, DBInstance]:
        found = op.DESCRIBE_INSTANCES.list(self.context)
        return {(each.db_instance_identifier or "").lower(): each for each in found}

    def _read_quota(self) -> InstanceQuota:
        found = {
            quota.account_quota_name: (max(quota.max - (quota.used or 0), 0), quota.max)
            for quota in op.DESCRIBE_ACCOUNT_ATTRIBUTES.list(self.context)
            if quota.max is not None
        }
        if "DBInstances" not in found:
            operation = op.DESCRIBE_ACCOUNT_ATTRIBUTES.name
            raise ResponseValidationError(operation, "the quota DBInstances is missing", {})
        return InstanceQuota(*found["DBInstances"], *found.get("AllocatedStorage", (None, None)))

    def _read_subnet_groups(self) -> dict[str, DBSubnetGroup]:
        found = op.DESCRIBE_SUBNET_GROUPS.list(self.context)
        return {(each.db_subnet_group_name or "").lower(): each for each in found}

    def _read_parameter_groups(self) -> dict[str, op.DBParameterGroup]:
        found = op.DESCRIBE_PARAMETER_GROUPS.list(self.context)
        return {(each.db_parameter_group_name or "").lower(): each for each in found}

    def _read_option_groups(self) -> dict[str, op.OptionGroup]:
        found = op.DESCRIBE_OPTION_GROUPS.list(self.context)
        return {(each.option_group_name or "").lower(): each for each in found}

    def _read_parameters(self, name: str) -> dict[str, str]:
        return changed_parameters(
            op.DESCRIBE_PARAMETERS.list(self.context, db_parameter_group_name=name, source="user")
        )

    def _read_offers(self, query: ClassQuery) -> list[op.OrderableDBInstanceOption]:
        given = {name: value for name, value in query._asdict().items() if value is not None}
        return list(op.DESCRIBE_ORDERABLE_OPTIONS.list(self.context, **given))

    def _ask_key(self, kms_key_id: str) -> Answer[KeyCondition]:
        question = f"whether the KMS key {kms_key_id} is enabled"
        try:
            metadata = describe_key(self.context, kms_key_id)
            reasons = tuple(key_reasons(kms_key_id, metadata))
            return KeyCondition(metadata.get("KeyState"), reasons)
        except Exception as error:  # noqa: BLE001  # a response that is not from KMS raises any
            reason = key_not_described(question, kms_key_id, error, self._region_name)
        if reason.code != "kms_key_not_found":
            return of_check(reason)
        arn = parse_arn(kms_key_id)
        if arn is None or arn.account_id == self._account_id:
            return KeyCondition(None, (reason,))
        # KMS may not find a key of another account for a caller that may not use it.
        return ReadinessReason(
            code="could_not_be_checked",
            message=f"KMS does not find the key {kms_key_id} of another account.",
            remedy="Allow the caller kms:DescribeKey in the policy of the key, too.",
        )

    def _ask_security_groups(self, group_ids: list[str]) -> Answer[dict[str, str | None]]:
        """Return the VPC of each of the security groups that exist."""
        question = "which security groups exist"
        found: dict[str, str | None] = {}
        try:
            ec2: Any = self.context.clients and self.context.clients("ec2", self._region_name)
            pages = ec2.get_paginator("describe_security_groups")
            for begin in range(0, len(group_ids), _IDS_PER_FILTER):
                # EC2 omits unknown groups in a filter, and refuses them among GroupIds.
                values = group_ids[begin : begin + _IDS_PER_FILTER]
                for page in pages.paginate(Filters=[{"Name": "group-id", "Values": values}]):
                    found |= {each["GroupId"]: each.get("VpcId") for each in page["SecurityGroups"]}
        except Exception as error:  # noqa: BLE001  # a response that is not from EC2 raises any
            hide_secrets(error)
            return of_check(self._explain_ec2(question, error))
        return found

    def _explain_ec2(self, question: str, error: Exception) -> CheckReason:
        if not isinstance(error, (BotoCoreError, ClientError)):
            # The text may be the whole response of another service, so it is omitted.
            problem = f"the response of EC2 is invalid ({type(error).__name__})"
            error = ResponseValidationError("DescribeSecurityGroups", problem, {})
        reason = could_not_be_checked(question, error, self._region_name)
        if isinstance(error, ClientError):
            code = error.response.get("Error", {}).get("Code", "")
            if code.startswith(_NOT_ALLOWED):
                remedy = f"Allow the caller ec2:DescribeSecurityGroups in {self._region_name}."
                return reason.model_copy(update={"remedy": remedy})
        return reason
