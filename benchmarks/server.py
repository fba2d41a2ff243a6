"""An RDS on loopback that always answers the same: run in a process of its own.

It prints its address, and ends when its standard input does.
"""

import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .answers import Listing, started

_listing = Listing(1)
_started = started()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body leave together

    def do_POST(self) -> None:  # http.server's name
        request = self.rfile.read(int(self.headers["Content-Length"]))
        answer = _started if b"Action=Start" in request else _listing(request)
        self.send_response(200)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""


def main() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


@contextmanager
def running() -> Generator[str, None, None]:
    """The address of one that runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        if process.stdout is None:
            raise AssertionError("it is a pipe")
        yield process.stdout.readline().strip()


if __name__ == "__main__":
    main()
