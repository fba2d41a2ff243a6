"""The command ``python -m rds_backup_replication.sandbox``."""

import argparse
import signal
import threading
from collections.abc import Iterable

from . import Sandbox


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m rds_backup_replication.sandbox",
        description="Serve RDS on loopback until Ctrl-C. All data is in memory.",
    )
    parser.add_argument("--port", type=int, default=5000, help="TCP port; 0 picks a free one")
    port = parser.parse_args().port
    try:
        serve(port)
    except OSError as error:
        parser.exit(1, f"Port {port} cannot be used: {error.strerror}. Try --port 0.\n")


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
            for region_name, identifier in instances:
                sandbox.create_db_instance(region_name, identifier)
            print(
                f"The sandbox listens on {sandbox.endpoint_url}",
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
