"""The command to play with."""

from typing import Annotated

import typer

from ._exit import ExitCode, Failure
from ._options import (
    Debug,
)

# ruff: noqa: PLC0415 - help and version come without what only a call needs.


def sandbox(
    *,
    port: Annotated[int, typer.Option(help="TCP port; 0 takes a free one.")] = 5000,
    db_instance: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REGION:NAME", help="An instance to begin with. Repeat it for more instances."
        ),
    ] = None,
    debug: Debug = False,
) -> None:
    """Serve an RDS on loopback until Ctrl-C, to play with.

    All data is in memory. It needs the extra sandbox.
    """
    from ..sandbox.__main__ import serve

    instances: list[tuple[str, str]] = []
    for text in db_instance or ():
        where, colon, name = text.partition(":")
        if not (where and colon and name):
            message = f"{text!r} must be a Region and a name: us-west-2:mydatabase."
            raise typer.BadParameter(message, param_hint="--db-instance")
        instances.append((where, name))
    try:
        serve(port, instances)
    except OSError as error:
        message = f"Port {port} cannot be used: {error.strerror}. Try --port 0."
        raise Failure(message, ExitCode.OTHER) from error
