"""The command ``python -m rds_backup_replication.sandbox``."""

import argparse
import signal
import threading
from collections.abc import Iterable

from .._arn import is_db_instance_identifier
from . import Sandbox
from ._regions import DESTINATIONS


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m rds_backup_replication.sandbox",
        description="Serve RDS on loopback until Ctrl-C. All data is in memory.",
    )
    parser.add_argument("--port", type=int, default=5000, help="TCP port; 0 picks a free one")
    parser.add_argument(
        "--db-instance",
        action="append",
        default=[],
        metavar="REGION:NAME",
        help="instance to create at startup; repeat the option for more instances",
    )
    arguments = parser.parse_args()
    try:
        instances = [split_instance(text) for text in arguments.db_instance]
    except ValueError as error:
        parser.error(f"argument --db-instance: {error}")
    try:
        serve(arguments.port, instances)
    except OSError as error:
        parser.exit(1, f"Port {arguments.port} cannot be used: {error.strerror}. Try --port 0.\n")


def split_instance(text: str) -> tuple[str, str]:
    """Return the Region and the identifier that ``REGION:NAME`` gives.

    Raises:
        ValueError: The sandbox can create no such instance.
    """
    region_name, _, identifier = text.partition(":")
    if region_name not in DESTINATIONS or not is_db_instance_identifier(identifier):
        raise ValueError(
            f"{text!r} must be a Region and an instance name, such as us-west-2:mydatabase."
        )
    return region_name, identifier


def serve(port: int, instances: Iterable[tuple[str, str]] = ()) -> None:
    """Run a sandbox until Ctrl-C.

    Args:
        port: The TCP port; 0 picks a free one.
        instances: The Region and identifier of each DB instance to create at startup.
    """
    # A shell makes its background jobs ignore SIGINT, so restore Python's handler.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    try:
        with Sandbox(port=port) as sandbox:
            created = [sandbox.create_db_instance(*each) for each in dict.fromkeys(instances)]
            print(
                f"The sandbox listens on {sandbox.endpoint_url}",
                *(f"It has {instance.db_instance_arn}" for instance in created),
                "All data is lost when it stops.",
                "In another shell, run:",
                "",
                f"  export AWS_ENDPOINT_URL={sandbox.endpoint_url}",
                "  export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox",
                "",
                "Press Ctrl-C to stop the sandbox.",
                sep="\n",
                flush=True,
            )
            threading.Event().wait()
    except KeyboardInterrupt:
        print("\nStopped.")


if __name__ == "__main__":
    main()
