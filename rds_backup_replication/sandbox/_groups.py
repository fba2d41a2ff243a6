"""The RDS operations on what an instance uses: groups, a class, a key and the account's quotas."""

import re
from typing import Any, NamedTuple

from moto.backends import get_backend
from moto.core.responses import ActionResult
from moto.ec2.models import EC2Backend, ec2_backends
from moto.rds.exceptions import (
    DBParameterGroupNotFoundError,
    OptionGroupNotFoundFaultError,
    RDSClientError,
)
from moto.rds.models import DBInstance, DBParameterGroup, DBSubnetGroup, OptionGroup
from moto.rds.responses import RDSResponse
from moto.rds.utils import DbInstanceEngine

from .._arn import parse_arn
from ._state import State

_PAGE_SIZE = 100
_STORAGE_QUOTA = 100_000
_ENGINES = tuple(DbInstanceEngine.valid_db_instance_engine())
# The version of an engine whose major version is one number, from that version on.
_ONE_NUMBER_SINCE = {"postgres": 10, "oracle": 18}
_DEFAULT_OPTION_GROUP = re.compile(r"default:(?P<engine>[a-z0-9-]+?)-(?P<major>\d+(-\d+)?)")
_CLASSES = tuple(
    f"db.{family}.{size}"
    for family, sizes in {
        "t3": ("micro", "small", "medium", "large"),
        "t4g": ("micro", "small", "medium", "large"),
        "m5": ("large", "xlarge", "2xlarge"),
        "m6g": ("large", "xlarge", "2xlarge"),
        "r5": ("large", "xlarge", "2xlarge"),
        "r6g": ("large", "xlarge", "2xlarge"),
    }.items()
    for size in sizes
)


class EngineVersion(NamedTuple):
    """An engine and its major version, by which RDS names groups."""

    engine: str
    major: str

    @classmethod
    def of(cls, engine: str, version: str) -> "EngineVersion":
        numbers = version.split(".")
        first = _ONE_NUMBER_SINCE.get(engine.partition("-")[0])
        is_one = first is not None and int(numbers[0]) >= first
        return cls(engine, numbers[0] if is_one else ".".join(numbers[:2]))

    @property
    def family(self) -> str:
        """Return the family of the parameter groups."""
        if self.engine.startswith("oracle"):
            return f"{self.engine}-{self.major}"
        if self.engine.startswith("sqlserver"):
            return f"{self.engine}-{float(self.major)}"
        return f"{self.engine}{self.major}"

    @property
    def option_group_name(self) -> str:
        """Return the name of the default option group."""
        return f"default:{self.engine}-{self.major.replace('.', '-')}"


class GroupResponse(RDSResponse):
    """The handler of requests about groups, classes and quotas."""

    state: State

    @property
    def ec2(self) -> EC2Backend:
        """Return moto's EC2 in the account and Region of the request."""
        return ec2_backends[self.current_account][self.region]

    # RDS makes its default groups when they are first needed. Moto has none, or only some.

    def find_subnet_group(self, name: str) -> DBSubnetGroup:
        """Return a subnet group, or raise RDS's error if there is none of that name."""
        if name == "default" and name not in self.backend.subnet_groups:
            subnets = [
                subnet
                for subnet in self.ec2.get_default_subnets().values()
                if subnet.vpc_id == self.ec2.default_vpc.id
            ]
            self.backend.create_subnet_group(name, name, subnets, [])
        return self.backend.describe_db_subnet_groups(name)[0]

    def find_parameter_group(self, name: str) -> DBParameterGroup:
        """Return a parameter group, or raise RDS's error if there is none of that name."""
        groups = self.backend.db_parameter_groups
        if name not in groups:
            family = name.lower().removeprefix("default.")
            if family == name.lower() or not family.startswith(_ENGINES):
                raise DBParameterGroupNotFoundError(name)
            self.backend.create_db_parameter_group(
                {
                    "db_parameter_group_name": name,
                    "db_parameter_group_family": family,
                    "description": f"Default parameter group for {family}",
                }
            )
        return groups[name]

    def find_option_group(self, name: str) -> OptionGroup:
        """Return an option group, or raise RDS's error if there is none of that name."""
        groups = self.backend.option_groups
        if name not in groups:
            match = _DEFAULT_OPTION_GROUP.fullmatch(name.lower())
            if match is None or match["engine"] not in _ENGINES:
                raise OptionGroupNotFoundFaultError(name)
            engine, major = match["engine"], match["major"].replace("-", ".")
            text = f"Default option group for {engine} {major}"
            # Moto's create_option_group knows no major version that is newer than 2022.
            group: Any = OptionGroup(self.backend, name, engine, major, text)
            groups[name] = group
        return groups[name]

    def require_groups(self, version: EngineVersion | None = None) -> None:
        """Raise RDS's error if the request names a group that does not exist or fit the version."""
        if name := self.params.get("DBSubnetGroupName"):
            self.find_subnet_group(name)
        if name := self.params.get("DBParameterGroupName"):
            family = self.find_parameter_group(name).family
            if version and family != version.family:
                raise RDSClientError(
                    "InvalidParameterCombination",
                    f"The Parameter Group {name} with DBParameterGroupFamily {family} cannot be "
                    "used for this instance. Please use a Parameter Group with "
                    f"DBParameterGroupFamily {version.family}",
                )
        if name := self.params.get("OptionGroupName"):
            group = self.find_option_group(name)
            if version and (group.engine_name, group.major_engine_version) != version:
                raise RDSClientError(
                    "InvalidParameterCombination",
                    f"Sandbox: the option group {name} is for {group.engine_name} "
                    f"{group.major_engine_version}, not for {version.engine} {version.major}.",
                )

    def find_key(self, requested: str) -> str:
        """Return the ARN of a KMS key of this Region, or raise if the key cannot be used."""
        arn = parse_arn(requested)
        account_id = arn.account_id if arn else self.current_account
        keys = get_backend("kms")[account_id][self.region]
        alias = keys.get_alias_name(requested)
        # Moto raises an unrelated exception for an unknown alias, so check for one first.
        is_known = not alias.startswith("alias/") or keys.get_key_id_from_alias(alias)
        key = keys.keys.get(keys.any_id_to_key_id(requested)) if is_known else None
        if key is None or not key.enabled or (arn and arn.region != self.region):
            raise RDSClientError(
                "KMSKeyNotAccessibleFault",
                f"The target KMS key [{requested}] does not exist, is not enabled or you do not "
                "have permissions to access it.",
            )
        return str(key.arn)

    def describe_db_subnet_groups(self) -> ActionResult:
        name = self.params.get("DBSubnetGroupName")
        with self.state.lock:
            groups = self.backend.subnet_groups.values()
            found = [self.find_subnet_group(name)] if name else list(groups)
            return self.page("DBSubnetGroups", found)

    def describe_db_parameter_groups(self) -> ActionResult:
        name = self.params.get("DBParameterGroupName")
        with self.state.lock:
            groups = self.backend.db_parameter_groups.values()
            found = [self.find_parameter_group(name)] if name else list(groups)
            return self.page("DBParameterGroups", found)

    def describe_db_parameters(self) -> ActionResult:
        """Return the parameters that a user has changed. The engine's own are not known here."""
        with self.state.lock:
            group = self.find_parameter_group(self.params["DBParameterGroupName"])
            is_user = self.params.get("Source") in (None, "user")
            changed = group.parameters.values() if is_user else ()
            return self.page("Parameters", [{**each, "Source": "user"} for each in changed])

    def describe_option_groups(self) -> ActionResult:
        name = self.params.get("OptionGroupName")
        engine, major = self.params.get("EngineName"), self.params.get("MajorEngineVersion")
        with self.state.lock:
            found = [self.find_option_group(name)] if name else self.backend.option_groups.values()
            matching = [
                group
                for group in found
                if engine in (None, group.engine_name)
                and major in (None, group.major_engine_version)
            ]
            return self.page("OptionGroupsList", matching)

    def create_option_group(self) -> ActionResult:
        name, engine = self.params["OptionGroupName"], self.params["EngineName"]
        with self.state.lock:
            if name in self.backend.option_groups or engine not in _ENGINES:
                return super().create_option_group()  # which raises RDS's error
            group: Any = OptionGroup(self.backend, **self.params)
            self.backend.option_groups[name] = group
            return ActionResult({"OptionGroup": group})

    def modify_option_group(self) -> ActionResult:
        with self.state.lock:
            result = super().modify_option_group()
            # Moto keeps the settings of an option, but neither its version nor its port. Moto
            # serializes this attribute instead of its own, because the name is that of the shape.
            attributes = vars(self.backend.option_groups[self.params["OptionGroupName"]])
            options = {each["OptionName"]: each for each in attributes.get("Options", ())}
            for name in self.params.get("OptionsToRemove") or ():
                options.pop(name, None)
            for option in self.params.get("OptionsToInclude") or ():
                groups: list[str] = option.get("VpcSecurityGroupMemberships") or []
                options[option["OptionName"]] = {
                    **option.original_dict(),
                    "VpcSecurityGroupMemberships": [
                        {"VpcSecurityGroupId": group, "Status": "active"} for group in groups
                    ],
                }
            attributes["Options"] = list(options.values())
            return result

    def zones_offering(self, db_instance_class: str) -> list[str]:
        """Return the Region's Availability Zones that offer a class."""
        missing = {
            zone
            for region, name, zone in self.state.unorderable
            if (region, name) == (self.region, db_instance_class)
        }
        zones = sorted(zone.name for zone in self.ec2.describe_availability_zones())
        return [] if None in missing else [zone for zone in zones if zone not in missing]

    def describe_orderable_db_instance_options(self) -> ActionResult:
        engine: str = self.params["Engine"]
        if engine.startswith(("aurora", "neptune")):
            return super().describe_orderable_db_instance_options()
        if engine not in _ENGINES:
            raise RDSClientError("InvalidParameterValue", f"Invalid DB engine: {engine}")
        requested = self.params.get("DBInstanceClass")
        with self.state.lock:
            offers = {
                name: zones
                for name in ([requested] if requested else _CLASSES)
                if (zones := self.zones_offering(name))
            }
        version = self.params.get("EngineVersion") or DBInstance.default_engine_versions.get(engine)
        options: list[dict[str, Any]] = [
            {
                "Engine": engine,
                "EngineVersion": version,
                "DBInstanceClass": name,
                "LicenseModel": self.params.get("LicenseModel") or "general-public-license",
                "AvailabilityZones": [{"Name": zone} for zone in zones],
                "MultiAZCapable": len(zones) > 1,
                "ReadReplicaCapable": True,
                "Vpc": True,
                "StorageType": storage_type,
                "SupportsStorageEncryption": True,
                "SupportsIops": storage_type != "gp2",
                "SupportsStorageThroughput": storage_type == "gp3",
                "SupportsStorageAutoscaling": True,
                "SupportsEnhancedMonitoring": True,
                "SupportsIAMDatabaseAuthentication": True,
                "SupportsPerformanceInsights": True,
                "SupportedNetworkTypes": ["IPV4", "DUAL"],
            }
            for name, zones in offers.items()
            for storage_type in ("gp2", "gp3", "io1")
        ]
        return self.page("OrderableDBInstanceOptions", options)

    def describe_account_attributes(self) -> ActionResult:
        with self.state.lock:
            instances = self.backend.databases.values()
            used = {
                "DBInstances": (len(instances), self.state.behavior.instance_quota),
                "AllocatedStorage": (
                    sum(instance.allocated_storage for instance in instances),
                    _STORAGE_QUOTA,
                ),
            }
        quotas = [
            {"AccountQuotaName": name, "Used": count, "Max": maximum}
            for name, (count, maximum) in used.items()
        ]
        return ActionResult({"AccountQuotas": quotas})

    def page(self, member: str, rows: list[Any]) -> ActionResult:
        """Return the requested page of a listing."""
        begin = int(self.params.get("Marker") or 0)
        end = begin + (self.params.get("MaxRecords") or _PAGE_SIZE)
        marker = str(end) if end < len(rows) else None
        return ActionResult({member: rows[begin:end], "Marker": marker})
