"""The Typer app: its commands, and the one place that turns an error into an exit code."""

import traceback
from collections.abc import Callable
from typing import Annotated, Any

import typer

from .._version import __version__
from ._commands import (
    apply,
    audit,
    backups,
    plan,
    policy,
    recovery,
    recovery_drill,
    recovery_recover,
    replication,
    sandbox,
)
from ._completion import OPTIONS as COMPLETION_OPTIONS
from ._completion import InstallCompletion, Shell, ShowCompletion
from ._errors import ExitCode, Failure, explain
from ._options import with_debug_option
from ._output import print_error
from ._stdio import OutputError, write_stderr
from ._usage import USAGE_ERROR, Command, Commands, plain_usage_errors


class _Program(Commands):
    """Run a command, and print an error that it raises."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[-1] in COMPLETION_OPTIONS:
            args = [*args, Shell.AUTO.value]
        return super().parse_args(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # Typer's
        width = max(map(len, self.commands))
        for title, names in _SECTIONS.items():
            rows = [
                (f"{name:{width}}", self.commands[name].get_short_help_str(formatter.width))
                for name in names
            ]
            with formatter.section(title):
                formatter.write_dl(rows)

    def make_context(self, *args: Any, **keywords: Any) -> Any:
        try:
            with plain_usage_errors():
                return super().make_context(*args, **keywords)
        except Failure as failure:  # an option for completion has acted
            print_error(str(failure))
            raise typer.Exit(failure.code) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            with plain_usage_errors():
                return super().invoke(ctx)
        except (typer.Exit, typer.Abort, USAGE_ERROR, BrokenPipeError, OutputError):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:  # noqa: BLE001  # a shell needs an exit code for any error
            if ctx.meta.get("debug"):
                write_stderr(traceback.format_exc())
            explanation = explain(error, profile=ctx.meta.get("profile"))
            print_error(str(explanation))
            raise typer.Exit(explanation.code) from None


_SECTIONS = {
    "Commands for one instance": (
        *("check", "start", "ensure", "replace", "wait", "show", "list", "stop", "restore"),
        *("delete", "regions"),
    ),
    "Commands for a fleet": ("audit", "plan", "apply", "policy", "policy-schema", "recovery"),
    "Other commands": ("sandbox",),
}

app: typer.Typer = typer.Typer(
    cls=_Program,
    add_completion=False,  # Typer's own options take no shell
    no_args_is_help=True,
    # Rich's frames would leave no room for the names of options at 80 columns.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:  # noqa: FBT001  # passed by position
    if value:
        typer.echo(f"rds-backup-replication {__version__}")
        raise typer.Exit


@app.callback()
def _root(  # pyright: ignore[reportUnusedFunction]  # the decorator registers the function
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            callback=_show_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
    install_completion: InstallCompletion = None,
    show_completion: ShowCompletion = None,
) -> None:
    """Replicate automated backups of RDS DB instances to another Region."""


_COMMANDS: dict[str, Callable[..., None]] = {
    "start": replication.start,
    "ensure": replication.ensure,
    "replace": replication.replace,
    "wait": replication.wait,
    "check": replication.check,
    "show": backups.show,
    "list": backups.list_backups,
    "stop": replication.stop,
    "restore": backups.restore,
    "delete": backups.delete,
    "regions": backups.regions,
    "audit": audit.audit,
    "plan": plan.plan,
    "apply": apply.apply,
    "policy-schema": policy.policy_schema,
    "sandbox": sandbox.sandbox,
}
_GROUPS: dict[str, tuple[str, dict[str, Callable[..., None]]]] = {
    "policy": (
        "Test a policy, or print its JSON Schema.",
        {"test": policy.show_matches, "schema": policy.policy_schema},
    ),
    "recovery": (
        "Restore a fleet from its backups, or rehearse it.",
        {
            "capture": recovery.capture,
            "check": recovery.check,
            "retarget": recovery.retarget,
            "recover": recovery_recover.recover,
            "drill": recovery_drill.drill,
            "drill-cleanup": recovery_drill.drill_cleanup,
        },
    ),
}


def _add_commands(to: typer.Typer, commands: dict[str, Callable[..., None]]) -> None:
    for name, command in commands.items():
        to.command(name, cls=Command)(with_debug_option(command))


_add_commands(app, _COMMANDS)
for _name, (_help, _commands) in _GROUPS.items():
    _group = typer.Typer(cls=Commands, no_args_is_help=True, rich_markup_mode=None, help=_help)
    _add_commands(_group, _commands)
    app.add_typer(_group, name=_name)
