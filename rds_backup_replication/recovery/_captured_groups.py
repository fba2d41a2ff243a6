"""The parameter and option groups of a source Region, as a book keeps them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from .._context import Context
from .._workflows.reasons import could_not_be_checked
from ..fleet._destination import ACCOUNT_ERRORS
from ._book import (
    HIDDEN_VALUE,
    CapturedOption,
    CapturedOptionGroup,
    CapturedParameterGroup,
    CaptureProblem,
)
from ._operations import (
    DESCRIBE_OPTION_GROUPS,
    DESCRIBE_PARAMETER_GROUPS,
    DESCRIBE_PARAMETERS,
    DescribeDBParameterGroupsRequest,
    DescribeDBParametersRequest,
    DescribeOptionGroupsRequest,
    Option,
    OptionGroup,
    Parameter,
)

_SECRET = re.compile(
    r"pass(?:word|wd|phrase|code)|pwd|secret|token|credential"
    r"|(?:access|api|encryption|master|private|wallet)[._-]?key|key[._-]?material",
    re.IGNORECASE,
)
# Parameters that say how the engine treats passwords or splits texts into tokens.
_HARMLESS = re.compile(
    r"(?:validate_password|simple_password_check)[._].+"
    r"|(?:caching_sha2|mysql_native|sha256)_password_.+"
    r"|(?:default_password_lifetime|disconnect_on_expired_password|old_passwords)"
    r"|(?:generated_random_password_length|strict_password_validation)"
    r"|password_(?:encryption|history|require_current|reuse_interval)"
    r"|rds\.restrict_password_commands|\w+_token_size",
    re.IGNORECASE,
)


def changed_parameters(described: Iterable[Parameter]) -> dict[str, str]:
    """Return the parameters of a group that somebody has changed, as a book has them."""
    return {
        each.parameter_name: shown_value(each.parameter_name, each.parameter_value)
        for each in sorted(described, key=lambda each: each.parameter_name or "")
        if each.parameter_name and each.parameter_value is not None
        if each.source in (None, "user")
    }


def shown_value(name: str, value: str) -> str:
    """Return a value, or a placeholder if the name says that the value may be secret."""
    return HIDDEN_VALUE if _SECRET.search(name) and not _HARMLESS.fullmatch(name) else value


@dataclass
class GroupReader:
    """A reader of the groups of one Region of an account."""

    context: Context
    account_id: str
    source_region: str
    problems: list[CaptureProblem] = field(default_factory=list[CaptureProblem])
    """What could not be read."""

    def read_parameter_groups(self, names: Iterable[str]) -> list[CapturedParameterGroup]:
        """Return the groups of some names; those that cannot be read have no parameters."""
        wanted = sorted(names)
        families: dict[str | None, str | None] = {}
        if wanted:
            request = DescribeDBParameterGroupsRequest()
            try:
                client = self.context.client_in(self.source_region)
                for group in DESCRIBE_PARAMETER_GROUPS.iterate(self.context, request, client):
                    families[group.db_parameter_group_name] = group.db_parameter_group_family
            except ACCOUNT_ERRORS as error:
                self._add_problem("the families of the DB parameter groups", error)
        return [
            CapturedParameterGroup(
                account_id=self.account_id,
                source_region=self.source_region,
                name=name,
                family=families.get(name),
                parameters=self._read_parameters(name),
            )
            for name in wanted
        ]

    def _read_parameters(self, name: str) -> dict[str, str] | None:
        request = DescribeDBParametersRequest(db_parameter_group_name=name, source="user")
        try:
            client = self.context.client_in(self.source_region)
            return changed_parameters(DESCRIBE_PARAMETERS.iterate(self.context, request, client))
        except ACCOUNT_ERRORS as error:
            self._add_problem(f"which parameters the DB parameter group {name} changes", error)
            return None

    def read_option_groups(self, names: Iterable[str]) -> list[CapturedOptionGroup]:
        """Return the groups of some names; those that cannot be read have no options."""
        wanted = sorted(names)
        found: dict[str | None, OptionGroup] = {}
        if wanted:
            request = DescribeOptionGroupsRequest()
            try:
                client = self.context.client_in(self.source_region)
                for group in DESCRIBE_OPTION_GROUPS.iterate(self.context, request, client):
                    found[group.option_group_name] = group
            except ACCOUNT_ERRORS as error:
                self._add_problem("which options the option groups have", error)
        return [self._option_group(name, found.get(name)) for name in wanted]

    def _option_group(self, name: str, group: OptionGroup | None) -> CapturedOptionGroup:
        options = None
        if group is not None:
            options = tuple(
                sorted(map(_captured_option, group.options or ()), key=lambda option: option.name)
            )
        return CapturedOptionGroup(
            account_id=self.account_id,
            source_region=self.source_region,
            name=name,
            engine=group.engine_name if group else None,
            major_engine_version=group.major_engine_version if group else None,
            options=options,
        )

    def _add_problem(self, question: str, error: Exception) -> None:
        region = self.source_region
        self.problems.append(capture_problem(question, error, region, self.account_id, region))


def capture_problem(
    question: str,
    error: Exception,
    asked: str,
    account_id: str | None = None,
    source_region: str | None = None,
) -> CaptureProblem:
    """Return the problem of a question, such as "whether …", that a Region did not answer.

    Args:
        question: What is not known.
        error: The error.
        asked: The Region that was asked.
        account_id: The account that is meant.
        source_region: The source Region that is meant; ``None`` for the whole account.
    """
    reason = could_not_be_checked(question, error, asked)
    return CaptureProblem(
        account_id=account_id,
        source_region=source_region,
        message=reason.message,
        remedy=reason.remedy,
    )


def _captured_option(option: Option) -> CapturedOption:
    return CapturedOption(
        name=option.option_name or "",
        version=option.option_version,
        port=option.port,
        settings={
            name: shown_value(name, value)
            for name, value in sorted(
                (s.name, s.value)
                for s in option.option_settings or ()
                if s.name and s.value is not None
            )
        },
    )
