"""The Typer app: its commands, and the one place that turns an error into an exit code."""

import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

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
from ._errors import ExitCode, explain
from ._options import with_debug_option
from ._output import print_error
from ._stdio import OutputError, escape_invisible, write_stderr

# Typer does not export click's UsageError. Typer prints such an error, and exits with 2.
_USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[1])


@contextmanager
def _escape_usage_errors() -> Generator[None]:
    """Escape invisible characters of the command line, which Typer repeats in a usage error."""
    try:
        yield
    except _USAGE_ERROR as error:
        vars(error)["message"] = escape_invisible(vars(error)["message"])
        raise


class _Commands(TyperGroup):
    """Run a command, and print an error that it raises."""

    def make_context(self, *args: Any, **keywords: Any) -> Any:
        with _escape_usage_errors():
            return super().make_context(*args, **keywords)

    def invoke(self, ctx: Any) -> Any:
        try:
            with _escape_usage_errors():
                return super().invoke(ctx)
        except (typer.Exit, typer.Abort, _USAGE_ERROR, BrokenPipeError, OutputError):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:  # noqa: BLE001  # a shell needs an exit code for any error
            if ctx.meta.get("debug"):
                write_stderr(traceback.format_exc())
            explanation = explain(error)
            print_error(str(explanation))
            raise typer.Exit(explanation.code) from None


app: typer.Typer = typer.Typer(
    cls=_Commands,
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
            callback=_show_version,
            is_eager=True,
            help="Show the version and exit.",
        ),
    ] = False,
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
for _name, _command in _COMMANDS.items():
    app.command(_name)(with_debug_option(_command))

_policy: typer.Typer = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Test a policy, or print its JSON Schema."
)
_policy.command("test")(with_debug_option(policy.show_matches))
_policy.command("schema")(with_debug_option(policy.policy_schema))
app.add_typer(_policy, name="policy")

_recovery: typer.Typer = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Restore a fleet from its replicated backups, or rehearse it.",
)
_RECOVERY_COMMANDS: dict[str, Callable[..., None]] = {
    "capture": recovery.capture,
    "check": recovery.check,
    "retarget": recovery.retarget,
    "recover": recovery_recover.recover,
    "drill": recovery_drill.drill,
    "drill-cleanup": recovery_drill.drill_cleanup,
}
for _name, _command in _RECOVERY_COMMANDS.items():
    _recovery.command(_name)(with_debug_option(_command))
app.add_typer(_recovery, name="recovery")
