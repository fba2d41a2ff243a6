"""Tests of one client in many threads: no response reaches another thread, nothing runs twice."""

import gc
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.config import Config

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import (
    DBInstanceNotFoundFault,
    RequestValidationError,
    ResponseValidationError,
)

from .echo import GARBLED, REFUSED, echo
from .fault_matrix._rds import PlainRDS, RefusedError
from .loopback import NoResponse, Reply, Request, Response, error_xml, result_xml
from .wire import (
    BACKUP_ARN,
    SOURCE_ARN,
    RDSServer,
    backup_xml,
    listing_xml,
    shared_session,
)

THREADS = 32
Call = Callable[[BackupReplicationClient, str], str | None]


def arn_of(name: str) -> str:
    return SOURCE_ARN.replace("mydatabase", name)


def name_in(arn: str | None) -> str:
    return str(arn).rpartition(":")[2]


# Each operation, called with a name that its response must return.
CALLS: tuple[Call, ...] = (
    lambda client, name: name_in(
        client.start_db_instance_automated_backups_replication(
            source_db_instance_arn=arn_of(name)
        ).db_instance_arn
    ),
    lambda client, name: name_in(
        client.stop_db_instance_automated_backups_replication(
            source_db_instance_arn=arn_of(name)
        ).db_instance_arn
    ),
    lambda client, name: (
        next(
            client.describe_db_instance_automated_backups(db_instance_identifier=name)
        ).db_instance_identifier
    ),
    lambda client, name: (
        client.delete_db_instance_automated_backup(dbi_resource_id=name).dbi_resource_id
    ),
    lambda client, name: (
        client.restore_db_instance_to_point_in_time(
            source_db_instance_automated_backups_arn=BACKUP_ARN,
            target_db_instance_identifier=name,
            use_latest_restorable_time=True,
        ).db_instance_identifier
    ),
    lambda client, name: str(
        next(client.describe_source_regions(region_name=f"xx-{name}")).region_name
    ).removeprefix("xx-"),
)


def outcome(client: BackupReplicationClient, number: int) -> tuple[str, str | None]:
    """Return the outcome of one call, and the name in its response."""
    call = CALLS[number % len(CALLS)]
    kind = {3: REFUSED, 5: GARBLED}.get(number % 7, "db")
    try:
        return "responded", call(client, f"{kind}-{number}")
    except DBInstanceNotFoundFault as error:
        return "refused", name_in(error.message).removeprefix("xx-")
    except ResponseValidationError as error:
        name = name_in(error.response["body"].decode()).removeprefix("<garbled>")
        return "unreadable", name.removeprefix("xx-")


def expected(number: int) -> tuple[str, str]:
    kinds = {3: ("refused", REFUSED), 5: ("unreadable", GARBLED)}
    expected_outcome, kind = kinds.get(number % 7, ("responded", "db"))
    return expected_outcome, f"{kind}-{number}"


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Switch threads at almost every step, so that unsafe use of shared state shows soon."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("many_switches")
def test_responses_reach_the_calling_thread() -> None:
    """Each response arrives while all other threads receive theirs."""
    calls = 32 * THREADS
    all_have_called = threading.Barrier(THREADS)

    def respond(request: Request) -> Reply:
        all_have_called.wait(5)
        return echo(request)

    def one(number: int) -> tuple[str, str | None]:
        return outcome(client, number)

    with RDSServer(respond) as server, ThreadPoolExecutor(THREADS) as pool:
        client = server.client(max_pool_connections=THREADS)
        found = list(pool.map(one, range(calls)))
    assert found == [expected(number) for number in range(calls)]
    assert len(server.received) == calls
    assert server.connections <= THREADS  # threads reuse connections


def test_invalid_call_affects_one_thread_only() -> None:
    def call(number: int) -> str | None:
        if number % 2:
            with pytest.raises(RequestValidationError) as caught:
                client.stop_db_instance_automated_backups_replication(
                    source_db_instance_arn=f"wrong-{number}"
                )
            return str(caught.value.errors[0].given)
        return CALLS[2](client, f"db-{number}")

    with RDSServer(echo) as server, ThreadPoolExecutor(8) as pool:
        client = server.client()
        found = list(pool.map(call, range(100)))
    assert found == [f"'wrong-{n}'" if n % 2 else f"db-{n}" for n in range(100)]
    assert len(server.received) == 50


def test_first_use_of_models_in_threads() -> None:
    command = [sys.executable, "-m", "tests.first_use"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # the arguments are fixed
    assert (run.returncode, run.stderr) == (0, "")


# Ensuring


@pytest.mark.usefixtures("clock")
def test_ensure_in_many_threads_starts_once() -> None:
    rds, lock, count = PlainRDS(), threading.Lock(), 16
    all_have_described = threading.Barrier(count)

    def respond(request: Request) -> Reply:
        parameters = request.parameters
        if parameters["Action"].startswith("Start"):
            all_have_described.wait(20)
        try:
            with lock:
                return Response(rds.respond(parameters["Action"], parameters))
        except RefusedError as error:
            return Response(error.body, error.status)

    def ensure(_: int) -> str:
        return client.ensure_replication(source_db_instance_arn=SOURCE_ARN).action

    with RDSServer(respond) as server, ThreadPoolExecutor(count) as pool:
        client = server.client()
        actions = Counter(pool.map(ensure, range(count)))
    assert rds.starts == 1
    assert actions == {"started": 1, "unchanged": count - 1}


class Sources:
    """A responder for many sources whose start RDS refuses, because each one replicates already.

    If the name of a source contains "lost", the client's first attempt started the replication, the
    response was lost, and RDS refuses botocore's retry. Otherwise another program started the
    replication, and RDS refuses the client's only attempt.
    """

    def __init__(self, count: int) -> None:
        self._attempts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._all_have_called = threading.Barrier(count)

    def respond(self, request: Request) -> Reply:
        parameters = request.parameters
        if parameters["Action"] == "DescribeDBInstanceAutomatedBackups":
            name = parameters["DBInstanceIdentifier"]
            with self._lock:
                is_started = self._attempts[name] > 0
            backup = backup_xml(DBInstanceArn=arn_of(name))
            return Response(listing_xml(*[backup] * is_started))
        name = name_in(parameters["SourceDBInstanceArn"])
        with self._lock:
            self._attempts[name] += 1
            attempt = self._attempts[name]
        if attempt == 1:  # all threads wait within their call at once
            self._all_have_called.wait(20)
        if "lost" in name and attempt == 1:
            return NoResponse.CLOSE
        refusal = error_xml(
            "InvalidDBInstanceAutomatedBackupState", "The instance is already replicating."
        )
        return Response(refusal, 400)


@pytest.mark.usefixtures("clock", "no_backoff")
def test_lost_response_affects_one_thread_only() -> None:
    names = [f"lost-{n}" if n % 2 else f"theirs-{n}" for n in range(24)]

    def ensure(name: str) -> str:
        return client.ensure_replication(source_db_instance_arn=arn_of(name)).action

    with RDSServer(Sources(len(names)).respond) as server, ThreadPoolExecutor(len(names)) as pool:
        client = server.client(retries=1)
        actions = list(pool.map(ensure, names))
    assert actions == ["started" if "lost" in name else "unchanged" for name in names]


@pytest.mark.usefixtures("clock")
def test_waits_in_threads_end_independently() -> None:
    polls: Counter[str] = Counter()
    lock = threading.Lock()

    def respond(request: Request) -> Reply:
        name = request.parameters["DBInstanceIdentifier"]
        with lock:
            polls[name] += 1
            status = "replicating" if polls[name] > int(name_in(name)[3:]) else "pending"
        return Response(listing_xml(backup_xml(DBInstanceArn=arn_of(name), Status=status)))

    def wait(number: int) -> str:
        arn = arn_of(f"db-{number}")
        return name_in(client.wait_until_replicating(source_db_instance_arn=arn).db_instance_arn)

    with RDSServer(respond) as server, ThreadPoolExecutor(8) as pool:
        client = server.lone_client()
        assert list(pool.map(wait, range(8))) == [f"db-{n}" for n in range(8)]
    assert polls == {f"db-{n}": n + 1 for n in range(8)}


# Leaks


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # counts names, whose files may vanish


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux")  # noqa: PTH112
@pytest.mark.parametrize("is_closed", [True, False])
def test_client_leaves_no_socket_or_thread(*, is_closed: bool) -> None:
    with RDSServer(echo) as server:

        def use() -> None:
            client = server.client()
            assert CALLS[0](client, "db-1") == "db-1"
            if is_closed:
                client.client.close()  # the boto3 client holds all connections

        use()
        gc.collect()
        files, threads = open_files(), set(threading.enumerate())
        most = files
        for _ in range(12):
            use()
            most = max(most, open_files())
        gc.collect()
        # The server closes its side of a connection a moment after the client.
        end = time.monotonic() + 5
        for thread in set(threading.enumerate()) - threads:
            thread.join(max(0, end - time.monotonic()))
        assert open_files() <= files
        assert len(threading.enumerate()) <= len(threads)
        if is_closed:
            assert most <= files + 10


class CountingSession:
    """A session that records the Region of each client that it creates."""

    def __init__(self) -> None:
        self.regions: list[str] = []

    def client(self, service_name: str, *, region_name: str, **settings: Any) -> Any:
        self.regions.append(region_name)
        session: Any = shared_session()
        return session.client(service_name, region_name=region_name, **settings)


def test_threads_share_one_client_per_region() -> None:
    def respond(request: Request) -> Reply:
        action = request.parameters["Action"]
        inner = "DBInstances" if action == "DescribeDBInstances" else "SourceRegions"
        return Response(result_xml(action, f"<{inner}></{inner}>"))

    def check(_: int) -> int:
        return len(client.check_replication(source_db_instance_arn=SOURCE_ARN).blockers)

    session: Any = CountingSession()
    with RDSServer(respond) as server, ThreadPoolExecutor(8) as pool:
        client = BackupReplicationClient(
            session=session,
            region_name="us-east-1",
            endpoint_url=server.endpoint_url,
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )
        assert len(set(pool.map(check, range(32)))) == 1
    assert session.regions == ["us-east-1", "us-west-2"]
