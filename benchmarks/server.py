"""A server on loopback that always sends the same responses, and a way to run any server module.

A server module runs in its own process, prints its address, and ends when its standard input ends.
"""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager

from tests.loopback import LoopbackServer, Request, Respond, Response

from .responses import Listing, start_body


@contextmanager
def running(module: str, *arguments: str) -> Generator[str]:
    """Run a server module in its own process, and yield the server's address."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        if process.stdout is None:
            raise AssertionError("standard output is a pipe")
        yield process.stdout.readline().strip()


def serve(respond: Respond) -> None:
    """Print the address, and serve until standard input ends."""
    with LoopbackServer(respond) as server:
        print(server.endpoint_url, flush=True)
        sys.stdin.read()


def main() -> None:
    """Serve a listing of one backup, and the response to a start."""
    listing, start = Listing(1), Response(start_body())

    def respond(request: Request) -> Response:
        is_start = b"Action=Start" in request.body
        return start if is_start else Response(listing(request.body))

    serve(respond)


if __name__ == "__main__":
    main()
