"""An RDS on loopback that always answers the same, and how a server runs in its own process.

Such a process prints its address, and ends when its standard input does.
"""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from tests.loopback import LoopbackServer, Request, Respond, Response

from .answers import Listing, started


@contextmanager
def running(module: str, *arguments: str) -> Generator[str]:
    """Run a server's module in its own process, and yield the server's address."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        if process.stdout is None:
            raise AssertionError("it is a pipe")
        yield process.stdout.readline().strip()


def serve(respond: Respond) -> None:
    """Serve until standard input ends."""
    with LoopbackServer(respond) as server:
        print(server.endpoint_url, flush=True)
        sys.stdin.read()


def main() -> None:
    """Serve one backup and one start."""
    listing, start = Listing(1), Response(started())

    def respond(request: Request) -> Response:
        is_start = b"Action=Start" in request.body
        return start if is_start else Response(listing(request.body))

    serve(respond)


if __name__ == "__main__":
    main()
