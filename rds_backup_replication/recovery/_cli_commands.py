"""AWS CLI commands that make in a destination what a restore needs; nothing here runs them.

What only a person can choose is a placeholder in angle brackets, quoted for the shell.
"""

import json
import shlex
from collections.abc import Iterable, Mapping

from ._book import HIDDEN_VALUE, CapturedOption, CapturedOptionGroup

_PARAMETERS_PER_CALL = 20  # the most that ModifyDBParameterGroup takes
# The code of the quota "DB instances", which is the same in all Regions.
_INSTANCE_QUOTA = "L-7B6409FD"
_FOR_RECOVERY = "For recovered instances"
_UNKNOWN_VALUE = "<secret value of the source>"
_NEW_SUBNET = "<ID of a subnet in another zone>"


def _command(
    service: str, operation: str, region_name: str, options: Mapping[str, str | Iterable[str]]
) -> str:
    words = ["aws", service, operation, "--region", region_name]
    for name, value in options.items():
        words += [f"--{name}", *([value] if isinstance(value, str) else value)]
    return shlex.join(words)


def create_subnet_group(region_name: str, name: str) -> str:
    """Return the command that creates a DB subnet group."""
    options = {
        "db-subnet-group-name": name,
        "db-subnet-group-description": _FOR_RECOVERY,
        "subnet-ids": ["<ID of a subnet>", _NEW_SUBNET],
    }
    return _command("rds", "create-db-subnet-group", region_name, options)


def extend_subnet_group(region_name: str, name: str, subnet_ids: Iterable[str]) -> str:
    """Return the command that adds a subnet to those of a DB subnet group."""
    # RDS replaces the subnets of the group, so the command repeats them.
    options = {"db-subnet-group-name": name, "subnet-ids": [*sorted(subnet_ids), _NEW_SUBNET]}
    return _command("rds", "modify-db-subnet-group", region_name, options)


def create_parameter_group(
    region_name: str, name: str, family: str | None, parameters: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the commands that create a DB parameter group and set its parameters."""
    options = {
        "db-parameter-group-name": name,
        "db-parameter-group-family": family or "<family of the engine version>",
        "description": _FOR_RECOVERY,
    }
    create = _command("rds", "create-db-parameter-group", region_name, options)
    return create, *set_parameters(region_name, name, parameters)


def set_parameters(region_name: str, name: str, parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Return the commands that set parameters of a DB parameter group."""
    # RDS accepts this method for all parameters; "immediate" is for the dynamic ones alone.
    settings = [
        {"ParameterName": key, "ParameterValue": _shown(value), "ApplyMethod": "pending-reboot"}
        for key, value in sorted(parameters.items())
    ]
    return tuple(
        _command(
            "rds",
            "modify-db-parameter-group",
            region_name,
            {
                "db-parameter-group-name": name,
                "parameters": json.dumps(settings[begin : begin + _PARAMETERS_PER_CALL]),
            },
        )
        for begin in range(0, len(settings), _PARAMETERS_PER_CALL)
    )


def create_option_group(
    region_name: str, name: str, captured: CapturedOptionGroup | None
) -> tuple[str, ...]:
    """Return the commands that create an option group and add its options."""
    options = {
        "option-group-name": name,
        "engine-name": (captured and captured.engine) or "<engine>",
        "major-engine-version": (captured and captured.major_engine_version) or "<major version>",
        "option-group-description": _FOR_RECOVERY,
    }
    create = _command("rds", "create-option-group", region_name, options)
    return create, *add_options(region_name, name, (captured and captured.options) or ())


def add_options(region_name: str, name: str, options: Iterable[CapturedOption]) -> tuple[str, ...]:
    """Return the command that adds options to an option group; none if there are no options."""
    documents = [_option_document(option) for option in options]
    if not documents:
        return ()
    keywords = {"option-group-name": name, "options": json.dumps(documents)}
    return (_command("rds", "add-option-to-option-group", region_name, keywords),)


def _shown(value: str) -> str:
    """Return a value of a book, or a placeholder for a value that the book does not have."""
    return _UNKNOWN_VALUE if value == HIDDEN_VALUE else value


def _option_document(option: CapturedOption) -> dict[str, object]:
    document: dict[str, object] = {"OptionName": option.name}
    if option.version is not None:
        document["OptionVersion"] = option.version
    if option.port is not None:
        document["Port"] = option.port
        document["VpcSecurityGroupMemberships"] = ["<ID of a security group>"]
    if option.settings:
        document["OptionSettings"] = [
            {"Name": key, "Value": _shown(value)} for key, value in sorted(option.settings.items())
        ]
    return document


def create_security_group(region_name: str, vpc_id: str | None) -> str:
    """Return the command that creates a VPC security group."""
    options = {
        "group-name": "<name>",
        "description": _FOR_RECOVERY,
        "vpc-id": vpc_id or "<ID of the VPC of the DB subnet group>",
    }
    return _command("ec2", "create-security-group", region_name, options)


def enable_key(region_name: str, kms_key_id: str, key_state: str | None) -> tuple[str, ...]:
    """Return the commands that enable a KMS key again; none if no command does."""
    names = {
        "Disabled": ("enable-key",),
        "PendingDeletion": ("cancel-key-deletion", "enable-key"),
    }.get(key_state or "", ())
    return tuple(_command("kms", name, region_name, {"key-id": kms_key_id}) for name in names)


def raise_instance_quota(region_name: str, wanted: int) -> str:
    """Return the command that requests a larger quota of DB instances."""
    options = {
        "service-code": "rds",
        "quota-code": _INSTANCE_QUOTA,
        "desired-value": str(wanted),
    }
    return _command("service-quotas", "request-service-quota-increase", region_name, options)
