"""Whether the groups that a restore names exist in the destination, and fit the instance."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..fleet._wording import list_words
from . import _cli_commands as cli
from . import _operations as op
from ._book import (
    HIDDEN_VALUE,
    BookEntry,
    CapturedOption,
    CapturedOptionGroup,
    CapturedParameterGroup,
    RecoveryBook,
)
from ._readiness_answers import Answers, Restore
from ._records import ReadinessReason
from ._targets import is_default_group

_MOST_NAMES = 5
RETARGET = "Set it in the policy's recovery: block, and retarget the book."
# Engines have hyphens, too: default:oracle-ee-19.
_DEFAULT_OPTION_GROUP = re.compile(r"default:(?P<engine>[a-z0-9-]+?)-(?P<version>[0-9][0-9-]*)")
_VERSION = re.compile(r"[0-9][0-9.]*$")  # of a family, such as sqlserver-ee-15.0
_ZONES = 2  # RDS's minimum for a DB subnet group, and a standby's


class CapturedGroups(NamedTuple):
    """The groups of a book, by account, source Region and name in lower case.

    No book has default groups. Their names say what they are, so they are derived.
    """

    parameters: dict[tuple[str, str, str], CapturedParameterGroup]
    options: dict[tuple[str, str, str], CapturedOptionGroup]

    @classmethod
    def of(cls, book: RecoveryBook) -> "CapturedGroups":
        """Return the groups of a book."""
        return cls(
            {(g.account_id, g.source_region, g.name.lower()): g for g in book.parameter_groups},
            {(g.account_id, g.source_region, g.name.lower()): g for g in book.option_groups},
        )

    def parameter_group_of(self, entry: BookEntry) -> CapturedParameterGroup | None:
        """Return the DB parameter group of an entry's source; ``None`` if it is not known."""
        name = entry.source.db_parameter_group_name or ""
        if is_default_group(name):
            return _default_parameter_group(name)
        return self.parameters.get((entry.account_id, entry.source_region, name.lower()))

    def option_group_of(self, entry: BookEntry) -> CapturedOptionGroup | None:
        """Return the option group of an entry's source; ``None`` if it is not known."""
        name = entry.source.option_group_name or ""
        if is_default_group(name):
            return _default_option_group(name)
        return self.options.get((entry.account_id, entry.source_region, name.lower()))


def list_names(names: Iterable[str]) -> str:
    """Return the first names as a list in a sentence, and the number of the others."""
    ordered = sorted(names)
    rest = len(ordered) - _MOST_NAMES
    return list_words(ordered if rest <= 0 else [*ordered[:_MOST_NAMES], f"{rest} more"])


def find_group_reasons(
    restore: Restore, answers: Answers, captured: CapturedGroups
) -> Iterator[ReadinessReason]:
    """Yield why the groups that a restore names would make it fail, or differ from the source's."""
    yield from _subnet_group_reasons(restore, answers)
    yield from _parameter_group_reasons(restore, answers, captured)
    yield from _option_group_reasons(restore, answers, captured)
    yield from _security_group_reasons(restore, answers)


def _subnet_group_reasons(restore: Restore, answers: Answers) -> Iterator[ReadinessReason]:
    name, region_name = restore.settings.db_subnet_group_name, answers.region_name
    if name is None:
        yield ReadinessReason(
            code="subnet_group_not_found",
            message=(
                "The book has no DB subnet group for the restored instance, so RDS would use the "
                f"default VPC of {region_name}."
            ),
            remedy=f"Choose a DB subnet group in {region_name}. {RETARGET}",
            # Of an instance that had none, RDS has shown no network that could be missed.
            is_warning=restore.entry.source.db_subnet_group_name is None,
        )
        return
    if isinstance(answers.subnet_groups, ReadinessReason):
        yield answers.subnet_groups
        return
    group = answers.subnet_groups.get(name.lower())
    if group is None:
        yield ReadinessReason(
            code="subnet_group_not_found",
            message=f"{region_name} has no DB subnet group {name}.",
            remedy=f"Create the DB subnet group, or choose another one. {RETARGET}",
            commands=(cli.create_subnet_group(region_name, name),),
        )
        return
    subnets = group.subnets or ()
    zones = {z.name for subnet in subnets if (z := subnet.subnet_availability_zone) and z.name}
    extend = cli.extend_subnet_group(
        region_name, name, (each.subnet_identifier for each in subnets if each.subnet_identifier)
    )
    if len(zones) < _ZONES:
        yield ReadinessReason(
            code="too_few_zones",
            message=(
                f"The subnets of the DB subnet group {name} are in "
                f"{list_names(zones) if zones else 'no zone'}; RDS needs two Availability Zones."
            ),
            remedy="Add a subnet in another Availability Zone to the group.",
            commands=(extend,),
        )
        return
    wanted, supported = restore.settings.network_type, group.supported_network_types
    if wanted and supported and wanted not in supported:
        yield ReadinessReason(
            code="network_type_not_supported",
            message=(
                f"The DB subnet group {name} supports {list_names(supported)}, and not the network "
                f"type {wanted} of the instance."
            ),
            remedy=f"Choose a DB subnet group whose subnets support {wanted}. {RETARGET}",
        )
    offered = restore.offered_zones(answers)
    needed = _ZONES if restore.settings.multi_az else 1
    if offered and len(zones & offered) < needed:
        yield ReadinessReason(
            code="too_few_zones",
            message=(
                f"{restore.settings.db_instance_class} is offered in {list_names(offered)}, and "
                f"the subnets of the DB subnet group {name} are in {list_names(zones)}; "
                f"{'Multi-AZ needs two zones' if needed > 1 else 'a restore needs a zone'} in both."
            ),
            remedy=f"Add subnets in these zones, or choose another class. {RETARGET}",
            commands=(extend,),
        )


def _parameter_group_reasons(
    restore: Restore, answers: Answers, captured: CapturedGroups
) -> Iterator[ReadinessReason]:
    entry, name = restore.entry, restore.settings.db_parameter_group_name
    if name is None:
        return
    source, region_name = captured.parameter_group_of(entry), answers.region_name
    family, wanted = (source.family, source.parameters) if source else (None, None)
    if is_default_group(name):
        actual_family = _default_parameter_group(name).family
    else:
        if isinstance(answers.parameter_groups, ReadinessReason):
            yield answers.parameter_groups
            return
        group = answers.parameter_groups.get(name.lower())
        if group is None:
            yield ReadinessReason(
                code="parameter_group_not_found",
                message=f"{region_name} has no DB parameter group {name}.",
                remedy="Create the DB parameter group with the parameters of the source's group.",
                commands=cli.create_parameter_group(region_name, name, family, wanted or {}),
            )
            return
        actual_family = group.db_parameter_group_family
    version = restore.engine_version
    if not _is_same_kind(family, actual_family) or not _is_of_version(actual_family, version):
        yield ReadinessReason(
            code="parameter_group_differs",
            message=(
                f"The DB parameter group {name} in {region_name} is of the family {actual_family}, "
                f"and the backup has {entry.engine} {version}."
            ),
            remedy=f"Choose a DB parameter group for this engine version. {RETARGET}",
        )
        return
    actual = answers.parameters.get(name.lower(), {})
    if isinstance(actual, ReadinessReason):
        yield actual
    elif wanted is not None and wanted != actual:
        names = {key for key in wanted | actual if wanted.get(key) != actual.get(key)}
        changes = {key: value for key, value in wanted.items() if key in names}
        yield ReadinessReason(
            code="parameter_group_differs",
            message=(
                f"The DB parameter group {name} in {region_name} differs from the source's group "
                f"{entry.source.db_parameter_group_name} in {list_names(names)}."
            ),
            remedy=(
                "Choose or create a group with the parameters of the source's group, if the "
                "difference is not meant."
                if is_default_group(name)
                else "Set them as in the source's group, if the difference is not meant."
            ),
            is_warning=True,
            commands=()
            if is_default_group(name)  # which nobody can change
            else cli.set_parameters(region_name, name, changes),
        )


def _is_same_kind(family: str | None, other: str | None) -> bool:
    """Return whether two families are of one edition of an engine, as far as they are known."""
    if not family or not other:
        return True
    return _VERSION.sub("", family.lower()) == _VERSION.sub("", other.lower())


def _is_of_version(family: str | None, version: str | None) -> bool:
    """Return whether a family or a major version fits an engine version, if both are known."""
    match = _VERSION.search(family or "")
    if match is None or version is None:
        return True
    major, actual = ([int(n) for n in re.findall("[0-9]+", v)] for v in (match[0], version))
    return actual[: len(major)] == major


def _default_parameter_group(name: str) -> CapturedParameterGroup:
    """Return a default DB parameter group, whose name has its family: default.mysql8.0."""
    return CapturedParameterGroup(
        account_id="", source_region="", name=name, family=name.partition(".")[2], parameters={}
    )


def _option_group_reasons(
    restore: Restore, answers: Answers, captured: CapturedGroups
) -> Iterator[ReadinessReason]:
    name = restore.settings.option_group_name
    if name is None:
        return
    source, region_name = captured.option_group_of(restore.entry), answers.region_name
    if is_default_group(name):
        default = _default_option_group(name)
        group = op.OptionGroup(
            engine_name=default.engine, major_engine_version=default.major_engine_version
        )
    else:
        if isinstance(answers.option_groups, ReadinessReason):
            yield answers.option_groups
            return
        found = answers.option_groups.get(name.lower())
        if found is None:
            yield ReadinessReason(
                code="option_group_not_found",
                message=f"{region_name} has no option group {name}.",
                remedy="Create the option group with the options of the source's group.",
                commands=cli.create_option_group(region_name, name, source),
            )
            return
        group = found
    yield from _compare_option_groups(name, group, source, restore, region_name)


def _default_option_group(name: str) -> CapturedOptionGroup:
    """Return a default option group, whose name has its engine and version: default:mysql-8-0."""
    match = _DEFAULT_OPTION_GROUP.fullmatch(name.lower())
    return CapturedOptionGroup(
        account_id="",
        source_region="",
        name=name,
        engine=match["engine"] if match else None,
        major_engine_version=match["version"].replace("-", ".") if match else None,
        options=(),
    )


def _compare_option_groups(
    name: str,
    group: op.OptionGroup,
    source: CapturedOptionGroup | None,
    restore: Restore,
    region_name: str,
) -> Iterator[ReadinessReason]:
    wanted_engine = (source and source.engine) or restore.entry.engine
    engine, major, version = group.engine_name, group.major_engine_version, restore.engine_version
    if (engine and engine != wanted_engine) or not _is_of_version(major, version):
        yield ReadinessReason(
            code="option_group_differs",
            message=(
                f"The option group {name} in {region_name} is for {engine} {major}, and the backup "
                f"has {wanted_engine} {version}."
            ),
            remedy=f"Choose an option group for this engine version. {RETARGET}",
        )
        return
    if source is None or source.options is None:
        return
    actual = {each.option_name or "": each for each in group.options or ()}
    wanted = {each.name: each for each in source.options}
    missing = wanted.keys() - actual.keys()
    differing = {key for key in wanted.keys() & actual.keys() if _differs(wanted[key], actual[key])}
    if missing:
        yield ReadinessReason(
            code="option_group_differs",
            message=(
                f"The option group {name} in {region_name} lacks {list_names(missing)} of the "
                f"source's group {source.name}."
            ),
            remedy="Add these options: RDS may refuse to restore an instance without its options.",
            commands=_add_options(region_name, name, [wanted[key] for key in sorted(missing)]),
        )
    if others := differing | (actual.keys() - wanted.keys()):
        yield ReadinessReason(
            code="option_group_differs",
            message=(
                f"The option group {name} in {region_name} differs from the source's group "
                f"{source.name} in {list_names(others)}."
            ),
            remedy="Set these options as in the source's group, if the difference is not meant.",
            is_warning=True,
            commands=_add_options(region_name, name, [wanted[key] for key in sorted(differing)]),
        )


def _add_options(region_name: str, name: str, options: list[CapturedOption]) -> tuple[str, ...]:
    return () if is_default_group(name) else cli.add_options(region_name, name, options)


def _differs(wanted: CapturedOption, actual: op.Option) -> bool:
    settings = {each.name: each.value for each in actual.option_settings or ()}
    return (
        wanted.version not in (None, actual.option_version)
        or wanted.port not in (None, actual.port)
        # The book lacks values that may be secret, and RDS lists settings with defaults, too.
        or any(
            settings.get(key) != value
            for key, value in wanted.settings.items()
            if value != HIDDEN_VALUE
        )
    )


def _security_group_reasons(restore: Restore, answers: Answers) -> Iterator[ReadinessReason]:
    settings, region_name = restore.settings, answers.region_name
    group_ids = settings.vpc_security_group_ids
    if not group_ids:
        if restore.entry.source.vpc_security_group_ids:
            yield ReadinessReason(
                code="security_groups_not_mapped",
                message=(
                    "The policy maps the source's security groups to none, so the restored "
                    "instance would get the default group of the VPC."
                ),
                remedy=(
                    f"Set security_group_ids in the policy's recovery: block to groups in "
                    f"{region_name}, and retarget the book."
                ),
            )
        return
    if isinstance(answers.security_groups, ReadinessReason):
        yield answers.security_groups
        return
    vpc_id = None
    if not isinstance(answers.subnet_groups, ReadinessReason):
        subnet_group = answers.subnet_groups.get((settings.db_subnet_group_name or "").lower())
        vpc_id = subnet_group.vpc_id if subnet_group else None
    vpcs = answers.security_groups
    if missing := set(group_ids) - vpcs.keys():
        yield ReadinessReason(
            code="security_group_not_found",
            message=f"{region_name} has no security group {list_names(missing)}.",
            remedy=f"Create a security group, whose ID EC2 chooses. {RETARGET}",
            commands=(cli.create_security_group(region_name, vpc_id),),
        )
    foreign = {each for each in group_ids if vpc_id and vpcs.get(each) not in (None, vpc_id)}
    if foreign:
        yield ReadinessReason(
            code="security_group_of_another_vpc",
            message=(
                f"The security group {list_names(foreign)} is not of {vpc_id}, the VPC of the DB "
                f"subnet group {settings.db_subnet_group_name}."
            ),
            remedy=f"Choose security groups of {vpc_id}. {RETARGET}",
            commands=(cli.create_security_group(region_name, vpc_id),),
        )
