"""Running cells: one call of a method, with one fault, in one retry mode."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from boto3.session import Session
from botocore.config import Config

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._clock import InstantClock

from ._faults import Fault, faults_of
from ._methods import Method, left
from ._server import FaultyServer, Injection, Request, Wire, serving

ATTEMPTS = {"legacy": 5, "standard": 3, "adaptive": 3}
"""botocore's own, where nothing else is configured."""
SECRETS = ("the-secret-access-key", "the-session-token")

_A_WHILE, _QUARTER_OF_AN_HOUR = 20, 900


class HurriedClock(InstantClock):
    """Every longer pause takes a quarter of an hour: six looks fill the default 75 minutes."""

    def sleep(self, seconds: float, /) -> None:
        super().sleep(seconds if seconds < _A_WHILE else _QUARTER_OF_AN_HOUR)


@dataclass(frozen=True)
class Cell:
    method: Method
    call_number: int
    """Which of the calls that the method makes where nothing goes wrong."""
    action: str
    fault: Fault
    always: bool


@dataclass(frozen=True)
class Seen:
    """What a call of a method came to."""

    outcome: str
    error: Exception | None
    result: Any
    left: str
    wire: Wire
    warnings: tuple[str, ...]


class _Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


class Bench:
    """Clients in every retry mode, and the server that they talk to."""

    def __init__(self, server: FaultyServer) -> None:
        self._server = server
        session = Session("AKIAIOSFODNN7EXAMPLE", *SECRETS)
        self._clients = {
            mode: BackupReplicationClient(
                session=session,
                region_name="us-east-1",
                endpoint_url=server.endpoint_url,
                config=Config(retries={"mode": mode}, proxies={}),  # type: ignore[typeddict-item]
            )
            for mode in ATTEMPTS
        }

    def run(self, method: Method, mode: str, injection: Injection | None = None) -> Seen:
        wire = self._server.wire = Wire(method.before(), injection)
        client = self._clients[mode]
        client._clock = HurriedClock()
        error, result = None, None
        warnings = _Warnings()
        logger = logging.getLogger("rds_backup_replication")
        logger.addHandler(warnings)
        try:
            result = method.call(client)
        except Exception as raised:
            error = raised
        finally:
            logger.removeHandler(warnings)
        outcome = method.says(result) if error is None else type(error).__name__
        return Seen(outcome, error, result, left(wire.rds), wire, tuple(warnings.texts))

    @cache  # noqa: B019  # a bench lives as long as the run
    def undisturbed(self, method: Method) -> Seen:
        return self.run(method, "legacy")

    def cells(self, method: Method) -> Iterator[Cell]:
        """Every fault of every call that the method makes, once and for ever."""
        for number, attempts in enumerate(self.undisturbed(method).wire.calls(), 1):
            action = attempts[0].action
            for fault in faults_of(action):
                for always in (False, True):
                    yield Cell(method, number, action, fault, always)

    def run_cell(self, cell: Cell, mode: str) -> Seen:
        injection = Injection(cell.fault, cell.call_number, cell.action, cell.always)
        return self.run(cell.method, mode, injection)


@contextmanager
def bench() -> Iterator[Bench]:
    """A bench on which botocore's pauses take no time, and every call may be repeated."""
    with pytest.MonkeyPatch.context() as patch, serving() as server:

        def no_pause(_: float) -> None:
            """Sleeps no moment."""

        def enough(*_: object, **__: object) -> bool:
            return True

        patch.setattr("botocore.endpoint.time.sleep", no_pause)
        patch.setattr("botocore.retries.bucket.TokenBucket.acquire", enough)
        # A client of its own for every cell, with all its quota, would take ten times as long.
        patch.setattr("botocore.retries.quota.RetryQuota.acquire", enough)
        yield Bench(server)
