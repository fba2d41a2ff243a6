"""A scripted RDS on a real loopback socket: it records requests and answers what it was told."""

import threading
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from boto3.session import Session
from botocore.config import Config

from rds_backup_replication import BackupReplicationClient

if TYPE_CHECKING:
    from typing_extensions import Self

SOURCE_ARN = "arn:aws:rds:us-west-2:123456789012:db:mydatabase"
KMS_KEY_ARN = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
BACKUP_ARN = "arn:aws:rds:us-east-1:123456789012:auto-backup:ab-jkib2gfq5rv7replzadausbrktni2bn4"
NAMESPACE = "http://rds.amazonaws.com/doc/2014-10-31/"
REQUEST_ID = "523e3218-afc7-11c3-90f5-f90431260ab4"


def result_xml(operation: str, inner: str) -> str:
    """A successful answer of the query protocol."""
    return (
        f'<{operation}Response xmlns="{NAMESPACE}"><{operation}Result>{inner}</{operation}Result>'
        f"<ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>"
        f"</{operation}Response>"
    )


def error_xml(code: str, message: str = "Something is wrong.") -> str:
    return (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{escape(code)}</Code>'
        f"<Message>{escape(message)}</Message></Error><RequestId>{REQUEST_ID}</RequestId>"
        "</ErrorResponse>"
    )


def backup_xml(**members: str) -> str:
    """One backup; a member's value is XML."""
    given = {"DBInstanceArn": SOURCE_ARN, "Status": "pending", **members}
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in given.items())
    return f"<DBInstanceAutomatedBackup>{inner}</DBInstanceAutomatedBackup>"


def listing_xml(*backups: str) -> str:
    """A page of backups, the last."""
    inner = f"<DBInstanceAutomatedBackups>{''.join(backups)}</DBInstanceAutomatedBackups>"
    return result_xml("DescribeDBInstanceAutomatedBackups", inner)


@cache
def shared_session() -> Session:
    """One for all clients: making one reads botocore's data anew."""
    return Session(aws_access_key_id="testing", aws_secret_access_key="testing")


@dataclass
class Received:
    """One request as it came over the wire."""

    headers: dict[str, str]
    parameters: dict[str, str]


@dataclass
class Answer:
    body: str | bytes
    status: int = 200
    reset: bool = False
    """Cut the connection instead of answering."""
    stall: bool = False
    """Say nothing until the server stops."""
    missing: int = 0
    """The bytes at the end that do not arrive, as the connection is lost."""


@dataclass
class ScriptedRDS:
    """Answers its script in order, the last answer for ever."""

    script: list[Answer] = field(default_factory=list[Answer])
    received: list[Received] = field(default_factory=list[Received])
    endpoint_url: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)
    """A first request has come."""

    def answers(self, body: str | bytes, status: int = 200) -> None:
        self.script.append(Answer(body, status))

    def cuts_off(self, body: str) -> None:
        self.script.append(Answer(body[:-9], missing=9))

    def resets(self) -> None:
        self.script.append(Answer("", reset=True))

    def stalls(self) -> None:
        self.script.append(Answer("", stall=True))

    def client(
        self, region_name: str = "us-east-1", *, retries: int = 0, **config: Any
    ) -> BackupReplicationClient:
        settings = Config(retries={"total_max_attempts": retries + 1}, proxies={}, **config)
        return BackupReplicationClient(
            session=shared_session(),
            region_name=region_name,
            endpoint_url=self.endpoint_url,
            config=settings,
        )

    def __enter__(self) -> "Self":
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # http.server's name
                length = int(self.headers["Content-Length"])
                form = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
                parameters = {name: values[0] for name, values in form.items()}
                scripted.received.append(Received(dict(self.headers), parameters))
                scripted.asked.set()
                answer = scripted.script.pop(0) if scripted.script[1:] else scripted.script[0]
                if answer.stall:
                    scripted.stopping.wait()
                if answer.reset or answer.stall:
                    self.close_connection = True
                    return
                body = answer.body.encode() if isinstance(answer.body, str) else answer.body
                self.send_response(answer.status)
                self.send_header("Content-Type", "text/xml")
                self.send_header("Content-Length", str(len(body) + answer.missing))
                self.end_headers()
                self.wfile.write(body)
                self.close_connection = answer.missing > 0

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint_url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
