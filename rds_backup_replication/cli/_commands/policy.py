"""Commands for a policy alone: which rule gets each instance, and the schema."""

from typing import Annotated

import typer

from .._errors import ExitCode
from .._files import read_policy
from .._fleet import PolicyFile, scan_progress
from .._options import FleetOptions, Output, OutputFormat, with_options
from .._output import note, print_json, print_table
from .._stdio import write_stdout

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.


@with_options(FleetOptions)
def show_matches(
    options: FleetOptions,
    *,
    policy: PolicyFile,
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Only accounts whose ID or name matches, such as 'prod-*'. Repeat the option for "
            "more patterns.",
        ),
    ] = None,
    identifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PATTERN",
            help="Only instances whose identifier matches, such as 'orders-*'. Repeat the option "
            "for more patterns.",
        ),
    ] = None,
    output: OutputFormat = Output.TABLE,
) -> None:
    """Show which rule applies to each instance, and why.

    For each earlier rule, the command names the condition that the instance does not meet. It
    changes nothing.
    """
    from ...fleet._rule_matches import match_rules

    wanted = read_policy(policy)
    access = options.make_access()
    with scan_progress() as on_progress:
        report = match_rules(
            wanted,
            access,
            accounts=tuple(account or ()),
            identifiers=tuple(identifier or ()),
            on_progress=on_progress,
        )
    if output is Output.JSON:
        print_json(report)
    else:
        print_table(
            ("RULE", "ACCOUNT", "REGION", "INSTANCE"),
            [
                (
                    *(match.rule or "-", match.account_id, match.source_region),
                    match.db_instance_identifier or "-",
                )
                for match in report.instances
            ],
        )
        for match in report.instances:
            if match.mismatches:
                write_stdout(f"\n{match.db_instance_arn}\n")
            for rule, mismatch in match.mismatches.items():
                write_stdout(f"  {rule}: {mismatch}\n")
    for problem in report.problems:
        note(problem)
    if report.problems:
        raise typer.Exit(ExitCode.FINDINGS)


def policy_schema() -> None:
    """Print the JSON Schema of a policy, for editors."""
    from ...fleet import Policy

    print_json(Policy.model_json_schema())
