"""The commands together, and the one place where an error becomes a message and a code."""

import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated, Any, cast

import typer
from typer.core import TyperGroup

from .._version import __version__
from ._commands import backups, fleet, replication, sandbox
from ._errors import ExitCode, explain
from ._output import print_error
from ._stdio import OutputError, tell, visible

# Typer itself tells of it, and exits with 2.
_USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[1])


@contextmanager
def _usage_made_visible() -> Generator[None]:
    """Typer tells of wrong usage with what was given, as it was given."""
    try:
        yield
    except _USAGE_ERROR as error:
        vars(error)["message"] = visible(vars(error)["message"])
        raise


class _Commands(TyperGroup):
    """Runs a command, and tells what went wrong."""

    def make_context(self, *args: Any, **keywords: Any) -> Any:
        with _usage_made_visible():
            return super().make_context(*args, **keywords)

    def invoke(self, ctx: Any) -> Any:
        try:
            with _usage_made_visible():
                return super().invoke(ctx)
        except (typer.Exit, typer.Abort, _USAGE_ERROR, BrokenPipeError, OutputError):
            raise
        except KeyboardInterrupt:
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        except Exception as error:  # noqa: BLE001  # whatever it is, a shell wants a code
            if ctx.meta.get("debug"):
                tell(traceback.format_exc())
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


def _show_version(value: bool) -> None:  # noqa: FBT001  # as Typer calls it
    if value:
        typer.echo(f"rds-backup-replication {__version__}")
        raise typer.Exit


@app.callback()
def _root(  # pyright: ignore[reportUnusedFunction]  # the decorator uses it
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


_ONE: tuple[Callable[..., None], ...] = (
    replication.start,
    replication.ensure,
    replication.wait,
    replication.check,
    backups.show,
    backups.list_backups,
    replication.stop,
    backups.restore,
    backups.delete,
    backups.regions,
)
_MANY: tuple[Callable[..., None], ...] = (
    fleet.audit,
    fleet.plan,
    fleet.apply,
    fleet.policy_schema,
)
for _command in _ONE:
    app.command(_command.__name__.partition("_")[0])(_command)
for _command in _MANY:
    app.command(_command.__name__.replace("_", "-"))(_command)
app.command()(sandbox.sandbox)
