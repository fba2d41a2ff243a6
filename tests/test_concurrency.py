"""One client for many threads: every answer goes to whoever asked, and nothing is done twice."""

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
Ask = Callable[[BackupReplicationClient, str], str | None]


def arn_of(name: str) -> str:
    return SOURCE_ARN.replace("mydatabase", name)


def name_in(arn: str | None) -> str:
    return str(arn).rpartition(":")[2]


# Each operation with the name that it asks about, and that must come back.
ASKS: tuple[Ask, ...] = (
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
    """What became of one call, and the name that it brought back."""
    ask = ASKS[number % len(ASKS)]
    kind = {3: REFUSED, 5: GARBLED}.get(number % 7, "db")
    try:
        return "answered", ask(client, f"{kind}-{number}")
    except DBInstanceNotFoundFault as error:
        return "refused", name_in(error.message).removeprefix("xx-")
    except ResponseValidationError as error:
        name = name_in(error.response["body"].decode()).removeprefix("<garbled>")
        return "unreadable", name.removeprefix("xx-")


def expected(number: int) -> tuple[str, str]:
    kinds = {3: ("refused", REFUSED), 5: ("unreadable", GARBLED)}
    what, kind = kinds.get(number % 7, ("answered", "db"))
    return what, f"{kind}-{number}"


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Threads take turns at almost every step, so that what they share gets mixed up soon."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.usefixtures("many_switches")
def test_no_answer_is_lost_or_somebody_elses() -> None:
    """Each response arrives while all other threads receive theirs."""
    calls = 32 * THREADS
    all_have_asked = threading.Barrier(THREADS)

    def respond(request: Request) -> Reply:
        all_have_asked.wait(5)
        return echo(request)

    def one(number: int) -> tuple[str, str | None]:
        return outcome(client, number)

    with RDSServer(respond) as server, ThreadPoolExecutor(THREADS) as pool:
        client = server.client(max_pool_connections=THREADS)
        found = list(pool.map(one, range(calls)))
    assert found == [expected(number) for number in range(calls)]
    assert len(server.received) == calls
    assert server.connections <= THREADS  # each is used again


def test_a_mistake_in_one_thread_is_no_others() -> None:
    def ask(number: int) -> str | None:
        if number % 2:
            with pytest.raises(RequestValidationError) as caught:
                client.stop_db_instance_automated_backups_replication(
                    source_db_instance_arn=f"wrong-{number}"
                )
            return str(caught.value.errors[0].given)
        return ASKS[2](client, f"db-{number}")

    with RDSServer(echo) as server, ThreadPoolExecutor(8) as pool:
        client = server.client()
        found = list(pool.map(ask, range(100)))
    assert found == [f"'wrong-{n}'" if n % 2 else f"db-{n}" for n in range(100)]
    assert len(server.received) == 50


def test_threads_may_be_the_first_to_use_a_model() -> None:
    command = [sys.executable, "-m", "tests.first_use"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603  # our own code
    assert (run.returncode, run.stderr) == (0, "")


# Ensuring


@pytest.mark.usefixtures("clock")
def test_a_replication_that_many_threads_ensure_is_started_once() -> None:
    rds, lock, count = PlainRDS(), threading.Lock(), 16
    all_have_looked = threading.Barrier(count)

    def answer(request: Request) -> Reply:
        parameters = request.parameters
        if parameters["Action"].startswith("Start"):
            all_have_looked.wait(20)
        try:
            with lock:
                return Response(rds.respond(parameters["Action"], parameters))
        except RefusedError as error:
            return Response(error.body, error.status)

    def ensure(_: int) -> str:
        return client.ensure_replication(source_db_instance_arn=SOURCE_ARN).action

    with RDSServer(answer) as server, ThreadPoolExecutor(count) as pool:
        client = server.client()
        actions = Counter(pool.map(ensure, range(count)))
    assert rds.starts == 1
    assert actions == {"started": 1, "unchanged": count - 1}


class Sources:
    """Many sources, each of which somebody starts at the moment of our own start.

    Where the name says "lost", that is us: the answer gets lost, and botocore's second
    attempt is refused. Elsewhere it is another program, and our only attempt is refused.
    """

    def __init__(self, count: int) -> None:
        self._attempts: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._all_have_asked = threading.Barrier(count)

    def answer(self, request: Request) -> Reply:
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
        if attempt == 1:  # so that all are within their call at once
            self._all_have_asked.wait(20)
        if "lost" in name and attempt == 1:
            return NoResponse.CLOSE
        refusal = error_xml("InvalidDBInstanceAutomatedBackupState", "It replicates already.")
        return Response(refusal, 400)


@pytest.mark.usefixtures("clock", "no_backoff")
def test_a_lost_answer_of_one_thread_is_no_others() -> None:
    names = [f"lost-{n}" if n % 2 else f"theirs-{n}" for n in range(24)]

    def ensure(name: str) -> str:
        return client.ensure_replication(source_db_instance_arn=arn_of(name)).action

    with RDSServer(Sources(len(names)).answer) as server, ThreadPoolExecutor(len(names)) as pool:
        client = server.client(retries=1)
        actions = list(pool.map(ensure, names))
    assert actions == ["started" if "lost" in name else "unchanged" for name in names]


@pytest.mark.usefixtures("clock")
def test_waits_in_threads_end_each_by_its_own_backup() -> None:
    looks: Counter[str] = Counter()
    lock = threading.Lock()

    def answer(request: Request) -> Reply:
        name = request.parameters["DBInstanceIdentifier"]
        with lock:
            looks[name] += 1
            status = "replicating" if looks[name] > int(name_in(name)[3:]) else "pending"
        return Response(listing_xml(backup_xml(DBInstanceArn=arn_of(name), Status=status)))

    def wait(number: int) -> str:
        arn = arn_of(f"db-{number}")
        return name_in(client.wait_until_replicating(source_db_instance_arn=arn).db_instance_arn)

    with RDSServer(answer) as server, ThreadPoolExecutor(8) as pool:
        client = server.client()
        assert list(pool.map(wait, range(8))) == [f"db-{n}" for n in range(8)]
    assert looks == {f"db-{n}": n + 1 for n in range(8)}


# What is left behind


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # what is listed goes at once


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs Linux")  # noqa: PTH112
@pytest.mark.parametrize("is_closed", [True, False])
def test_clients_leave_no_socket_and_no_thread(*, is_closed: bool) -> None:
    with RDSServer(echo) as server:

        def use() -> None:
            client = server.client()
            assert ASKS[0](client, "db-1") == "db-1"
            if is_closed:
                client.client.close()  # botocore's: this library has nothing else to close

        use()
        gc.collect()
        files, ours = open_files(), set(threading.enumerate())
        most = files
        for _ in range(12):
            use()
            most = max(most, open_files())
        gc.collect()
        # The server's side of a connection ends a moment after ours.
        end = time.monotonic() + 5
        for thread in set(threading.enumerate()) - ours:
            thread.join(max(0, end - time.monotonic()))
        assert open_files() <= files
        assert len(threading.enumerate()) <= len(ours)
        if is_closed:
            assert most <= files + 10


class CountingSession:
    """A session, and the Regions that clients were made for."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def client(self, service_name: str, *, region_name: str, **settings: Any) -> Any:
        self.made.append(region_name)
        session: Any = shared_session()
        return session.client(service_name, region_name=region_name, **settings)


def test_each_region_is_asked_with_one_client_whoever_asks_first() -> None:
    def answer(request: Request) -> Reply:
        action = request.parameters["Action"]
        inner = "DBInstances" if action == "DescribeDBInstances" else "SourceRegions"
        return Response(result_xml(action, f"<{inner}></{inner}>"))

    def check(_: int) -> int:
        return len(client.check_replication(source_db_instance_arn=SOURCE_ARN))

    session: Any = CountingSession()
    with RDSServer(answer) as server, ThreadPoolExecutor(8) as pool:
        client = BackupReplicationClient(
            session=session,
            region_name="us-east-1",
            endpoint_url=server.endpoint_url,
            config=Config(proxies={}, retries={"total_max_attempts": 1}),
        )
        assert len(set(pool.map(check, range(32)))) == 1
    assert session.made == ["us-east-1", "us-west-2"]
