"""``python -m rds_backup_replication.sandbox``: the sandbox for a shell."""

import argparse
import threading

from . import Sandbox


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m rds_backup_replication.sandbox",
        description="Serve an RDS on loopback until Ctrl-C. All data is in memory.",
    )
    parser.add_argument("--port", type=int, default=5000, help="TCP port; 0 takes a free one")
    port = parser.parse_args().port
    try:
        with Sandbox(port=port) as sandbox:
            print(
                f"The sandbox listens on {sandbox.endpoint_url}, "
                "and forgets everything when it stops.",
                "In another shell:",
                "",
                f"  export AWS_ENDPOINT_URL={sandbox.endpoint_url}",
                "  export AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox",
                "",
                "Ctrl-C stops it.",
                sep="\n",
                flush=True,
            )
            threading.Event().wait()
    except KeyboardInterrupt:
        print("\nStopped.")
    except OSError as error:
        parser.exit(1, f"Port {port} cannot be used: {error.strerror}. Try --port 0.\n")


if __name__ == "__main__":
    main()
