"""The comparison of an instance with the settings that a recovery wants."""

from typing import Any, NamedTuple

from .._models._instance import DBInstance
from ._settings import InstanceSettings, read_settings

_IN_USE = (None, "in-sync")
_GROUP = "_group_name"
_KEY = "kms_key_id"


class Comparison(NamedTuple):
    """What is as wanted, and what is not."""

    actual: InstanceSettings
    names: frozenset[str]
    """Settings that RDS shows with another value."""
    differences: dict[str, str]
    """Settings that are not as wanted, each in words, by name. A group with the wanted name is
    among them as long as the instance does not use what the group says."""
    verified: tuple[str, ...]
    """Settings that were compared, and are as wanted."""

    def explain(self, identifier: str) -> str:
        """Return what is different, and what to do, as sentences."""
        remedy = (
            "Change them by hand, or run this again."
            if self.names
            else f"If RDS waits for a reboot, reboot {identifier} (aws rds reboot-db-instance). "
            "Then run this again."
        )
        return (
            "The instance is restored and available, but some settings are not as the book says: "
            f"{', '.join(self.differences)}. {remedy}"
        )


def compare_settings(wanted: InstanceSettings, instance: DBInstance) -> Comparison:
    """Compare an instance with some settings; those that are ``None`` are not compared.

    A KMS key that is given as an alias is neither verified nor different, because RDS shows a key.
    """
    actual = read_settings(instance)
    compared = {
        name: value
        for name, value in wanted
        if value is not None and not (name.endswith(_KEY) and _resource(value).startswith("alias/"))
    }
    names = frozenset(
        name
        for name, value in compared.items()
        if _normalize(name, value) != _normalize(name, getattr(actual, name))
    )
    differences = {
        name: f"is {getattr(actual, name)!r}, not {getattr(wanted, name)!r}"
        for name in sorted(names)
    }
    for name, words in _find_unused(instance).items():
        if name in compared:
            differences.setdefault(name, words)
    verified = tuple(name for name in compared if name not in differences)
    return Comparison(actual, names, differences, verified)


def _normalize(name: str, value: Any) -> Any:
    """Return a value in the form in which RDS shows it."""
    if not isinstance(value, str):
        return value
    if name.endswith(_GROUP):
        return value.lower()  # as RDS stores the names of groups
    return _resource(value).rpartition("/")[2] if name.endswith(_KEY) else value


def _resource(kms_key_id: str) -> str:
    return kms_key_id.rpartition(":")[2]


def _find_unused(instance: DBInstance) -> dict[str, str]:
    """Return the groups of an instance whose content the instance does not use, in words."""
    found = {
        "db_parameter_group_name": [
            (group.db_parameter_group_name, group.parameter_apply_status)
            for group in instance.db_parameter_groups or ()
        ],
        "option_group_name": [
            (group.option_group_name, group.status)
            for group in instance.option_group_memberships or ()
        ],
    }
    return {
        name: f"{group} is not in use: {status}"
        for name, groups in found.items()
        for group, status in groups
        if (status and status.lower()) not in _IN_USE
    }
