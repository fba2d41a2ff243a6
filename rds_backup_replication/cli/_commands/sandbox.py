"""The command to play with."""

from typing import Annotated

import typer

from .._errors import ExitCode, Failure
from .._options import Debug

# ruff: noqa: PLC0415 - help and version come without what only a call needs.


def sandbox(
    *,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port; 0 takes a free one.")
    ] = 5000,
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
    from ..._arn import is_db_instance_identifier
    from ...sandbox.__main__ import serve
    from ...sandbox._regions import DESTINATIONS

    instances: list[tuple[str, str]] = []
    for text in db_instance or ():
        where, _, name = text.partition(":")
        if where not in DESTINATIONS or not is_db_instance_identifier(name):
            message = f"{text!r} must be a Region and an instance's name: us-west-2:mydatabase."
            raise typer.BadParameter(message, param_hint="--db-instance")
        instances.append((where, name))
    try:
        serve(port, instances)
    except OSError as error:
        message = f"Port {port} cannot be used: {error.strerror}. Try --port 0."
        raise Failure(message, ExitCode.OTHER) from error
