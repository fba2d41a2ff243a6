"""The command for the sandbox."""

from typing import Annotated

import typer

from .._errors import ExitCode, Failure
from .._signals import PROGRAM_SIGNALS

# ruff: noqa: PLC0415 - help and version must not import what only a call needs.


def sandbox(
    *,
    port: Annotated[
        int,
        typer.Option(
            "--port", min=0, max=65535, metavar="PORT", help="TCP port; 0 picks a free one."
        ),
    ] = 5000,
    db_instance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGION:NAME",
            help="Instance to create at startup. Repeat the option for more instances.",
        ),
    ] = None,
) -> None:
    """Serve a simulated RDS on loopback until Ctrl-C.

    The sandbox keeps all data in memory. The command requires the extra 'sandbox'.
    """
    from ...sandbox.__main__ import serve, split_instance

    try:
        instances = [split_instance(text) for text in db_instance or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--db-instance") from error
    try:
        serve(port, instances)
    except OSError as error:
        if PROGRAM_SIGNALS.received:  # the terminal has closed
            return
        message = f"Port {port} cannot be used: {error.strerror}. Try --port 0."
        raise Failure(message, ExitCode.OTHER) from error
