"""Running cells: one call of a method, with one fault, in one retry mode."""

import logging
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, get_args

import pytest
from boto3.session import Session
from botocore.config import Config

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication._api import context_of
from rds_backup_replication._clock import InstantClock
from rds_backup_replication._limits import WAIT_TIMEOUT

from ._faults import Fault, faults_of
from ._methods import Method, left
from ._results import told
from ._server import FaultyServer, Injection, Wire, serving

Mode = Literal["legacy", "standard", "adaptive"]
MODES: tuple[Mode, ...] = get_args(Mode)
ATTEMPTS: dict[Mode, int] = {"legacy": 5, "standard": 3, "adaptive": 3}
"""botocore's own, where nothing else is configured."""
SECRETS = ("the-secret-access-key", "the-session-token")

_A_WHILE = 20


class HurriedClock(InstantClock):
    """Longer pauses take so long that few looks fill the default 75 minutes."""

    def __init__(self, looks: int) -> None:
        super().__init__()
        self._pause = WAIT_TIMEOUT.total_seconds() / (looks - 1)

    def sleep(self, seconds: float, /) -> None:
        super().sleep(seconds if seconds < _A_WHILE else self._pause)


class HurriedClient(BackupReplicationClient):
    """A client with a clock for every call."""

    def hurry(self, looks: int) -> None:
        context_of(self).clock = HurriedClock(looks)


@dataclass(frozen=True)
class Cell:
    method: Method
    call_number: int
    """Which of the calls that the method makes where nothing goes wrong."""
    action: str
    fault: Fault
    always: bool

    @property
    def modes(self) -> tuple[Mode, ...]:
        """``adaptive`` repeats what ``standard`` does, at another pace."""
        return MODES if self.fault.is_repeated else MODES[:2]

    def __str__(self) -> str:
        where = f"{self.method.heading}, {self.call_number} {self.action}"
        return f"{where}, {self.fault.name}, {'always' if self.always else 'once'}"


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
            mode: HurriedClient(
                session=session,
                region_name="us-east-1",
                endpoint_url=server.endpoint_url,
                # Making botocore's own user agent takes a tenth of the time.
                config=Config(retries={"mode": mode}, proxies={}, user_agent="fault-matrix"),
            )
            for mode in MODES
        }

    def run(self, method: Method, mode: Mode, injection: Injection | None = None) -> Seen:
        wire = self._server.wire = Wire(method.before(), injection)
        client = self._clients[mode]
        client.hurry(method.looks)
        error, result = None, None
        warnings = _Warnings()
        logger = logging.getLogger("rds_backup_replication")
        logger.addHandler(warnings)
        try:
            result = method.call(client)
        except Exception as raised:  # noqa: BLE001  # judged by the contract
            error = raised
        finally:
            logger.removeHandler(warnings)
        outcome = told(result) if error is None else type(error).__name__
        return Seen(outcome, error, result, left(wire.rds), wire, tuple(warnings.texts))

    @cache  # noqa: B019  # a bench lives as long as the run
    def undisturbed(self, method: Method) -> Seen:
        return self.run(method, "legacy")

    def cells(self, method: Method) -> Iterator[Cell]:
        """Every fault of every call that the method makes, once and for ever."""
        for number, attempts in enumerate(self.undisturbed(method).wire.calls(), 1):
            action = attempts[0].action
            if method.struck and number not in method.struck:
                continue
            for fault in faults_of(action):
                # Where looks are behind, only what was done unseen is another case.
                if method.before().looks_behind and not fault.takes_effect:
                    continue
                # One request makes no difference between once and always.
                is_single = method.is_operation and not fault.is_repeated
                for always in (True,) if is_single else (False, True):
                    yield Cell(method, number, action, fault, always)

    def run_cell(self, cell: Cell, mode: Mode) -> Seen:
        injection = Injection(cell.fault, cell.call_number, cell.action, cell.always)
        return self.run(cell.method, mode, injection)


@contextmanager
def bench() -> Generator[Bench]:
    """A bench on which botocore's pauses take no time, and every call may be repeated."""
    with pytest.MonkeyPatch.context() as patch, serving() as server:
        # What the machine's user has configured is none of ours.
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            patch.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, os.devnull)

        def no_pause(_: float) -> None:
            """Sleeps no moment."""

        def enough(*_: object, **__: object) -> bool:
            return True

        patch.setattr("botocore.endpoint.time.sleep", no_pause)
        patch.setattr("botocore.retries.bucket.TokenBucket.acquire", enough)
        # A client of its own for every cell, with all its quota, would take ten times as long.
        patch.setattr("botocore.retries.quota.RetryQuota.acquire", enough)
        yield Bench(server)
