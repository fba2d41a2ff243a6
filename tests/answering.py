"""A server on loopback that answers each request by what it asks, over connections that stay."""

import socketserver
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from urllib.parse import parse_qs

from rds_backup_replication import BackupReplicationClient

from .wire import ScriptedRDS, backup_xml, error_xml, result_xml

Reply = tuple[int, str] | None
"""Status and body; ``None`` closes the connection."""
Answer = Callable[[dict[str, str]], Reply]


class AnsweringServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, answer: Answer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.lock = threading.Lock()
        self.received: list[dict[str, str]] = []
        self.connections = 0

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def client(self, *, retries: int = 0, connections: int = 32) -> BackupReplicationClient:
        return ScriptedRDS(endpoint_url=self.endpoint_url).client(
            retries=retries, max_pool_connections=connections
        )


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: AnsweringServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def handle(self) -> None:
        with self.server.lock:
            self.server.connections += 1
        while self.rfile.readline():
            length = 0
            while line := self.rfile.readline().strip().lower():
                if line.startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            form = parse_qs(self.rfile.read(length).decode())
            parameters = {name: values[0] for name, values in form.items()}
            with self.server.lock:
                self.server.received.append(parameters)
            reply = self.server.answer(parameters)
            if reply is None:
                return
            status, body = reply[0], reply[1].encode()
            head = f"HTTP/1.1 {status} -\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}"
            self.wfile.write(f"{head}\r\n\r\n".encode() + body)


@contextmanager
def answering(answer: Answer) -> Generator[AnsweringServer]:
    with AnsweringServer(answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def _started(name: str) -> str:
    return backup_xml(DBInstanceArn=name)


_RESULTS: dict[str, Callable[[str], str]] = {
    "DescribeDBInstanceAutomatedBackups": lambda name: (
        "<DBInstanceAutomatedBackups>"
        f"{backup_xml(DBInstanceIdentifier=name)}</DBInstanceAutomatedBackups>"
    ),
    "DescribeSourceRegions": lambda name: (
        f"<SourceRegions><SourceRegion><RegionName>{name}</RegionName></SourceRegion>"
        "</SourceRegions>"
    ),
    "RestoreDBInstanceToPointInTime": lambda name: (
        f"<DBInstance><DBInstanceIdentifier>{name}</DBInstanceIdentifier></DBInstance>"
    ),
    "DeleteDBInstanceAutomatedBackup": lambda name: backup_xml(DbiResourceId=name),
}
_NAMES = ("DBInstanceIdentifier", "DbiResourceId", "TargetDBInstanceIdentifier", "RegionName")
REFUSED, GARBLED = "refused", "garbled"


def echo(parameters: dict[str, str]) -> Reply:
    """Answers with the name that was asked for; a name may ask for a refusal, or for garbage."""
    action, arn = parameters["Action"], parameters.get("SourceDBInstanceArn", "")
    name = arn or next(parameters[member] for member in _NAMES if member in parameters)
    if REFUSED in name:
        return 404, error_xml("DBInstanceNotFound", name)
    if GARBLED in name:
        return 200, f"<garbled>{name}"
    return 200, result_xml(action, _RESULTS.get(action, _started)(name))
