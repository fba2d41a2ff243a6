"""A drill whose check queries a real PostgreSQL."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import drill_cases
from .drill_cases import Drills
from .fleets import DESTINATION

pytestmark = pytest.mark.once

drills = drill_cases.drills

USER = "app"
DATABASE = "shop"
QUERY = (
    'psql -XAtq -h "$DB_HOST" -p "$DB_PORT" -U "$DB_USER" -d "$DB_NAME" '
    '-c "select count(*) from $DB_INSTANCE_IDENTIFIER"'
)
# The server ends with the test, even if pytest is killed: then nothing keeps the standard input
# open. Only the server has the standard error, so that the test sees its end.
SERVE = 'exec 3>&2 2>&-; "$@" 2>&3 3>&- & exec 3>&-; cat >/dev/null; kill -QUIT $!; wait $!'


@pytest.fixture(scope="module")
def programs() -> Path:
    """Return the directory of PostgreSQL's programs."""
    found = [each.parent for each in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    initdb = shutil.which("initdb")
    if initdb:
        found.append(Path(initdb).parent)
    if not found:
        pytest.skip("PostgreSQL's server is not installed (Debian's package postgresql)")
    if not shutil.which("psql"):
        pytest.skip("psql is not installed (Debian's package postgresql-client)")
    return found[0]


@pytest.fixture(scope="module")
def postgresql_port(programs: Path) -> Iterator[int]:
    """Run a server on loopback, with a database that has a table; yield its port."""
    folder = tempfile.mkdtemp(prefix="drill-")  # below pytest's own folder, others see nothing
    identity: dict[str, Any] = {}
    if os.geteuid() == 0:  # PostgreSQL does not run as root
        shutil.chown(folder, "nobody")
        identity = {"user": "nobody", "group": "nogroup", "extra_groups": []}
    try:
        initdb = [str(programs / "initdb"), "-D", f"{folder}/data", "-U", USER, "-A", "trust"]
        subprocess.run(  # noqa: S603  # PostgreSQL's own program
            [*initdb, "--no-sync", "--locale=C", "--encoding=UTF8"],
            check=True,
            cwd=folder,
            capture_output=True,
            **identity,
        )
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port: int = listener.getsockname()[1]
        settings = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        options = [part for item in settings.items() for part in ("-c", "=".join(item))]
        server = [str(programs / "postgres"), "-D", f"{folder}/data", "-p", str(port), *options]
        with subprocess.Popen(  # noqa: S603  # PostgreSQL's own program
            ["/bin/sh", "-c", SERVE, "sh", *server],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            **identity,
        ) as process:
            try:
                wait_until_ready(process)
                for database, statement in (
                    ("postgres", f"create database {DATABASE}"),
                    (DATABASE, "create table orders as select generate_series(1, 3)"),
                ):
                    subprocess.run(  # noqa: S603  # PostgreSQL's own program
                        [
                            *(str(shutil.which("psql")), "-Xq", "-h", "127.0.0.1"),
                            *("-p", str(port), "-U", USER, "-d", database, "-c", statement),
                        ],
                        check=True,
                    )
                yield port
            finally:
                assert process.stdin is not None
                process.stdin.close()
                process.wait(30)
    finally:
        shutil.rmtree(folder)


def wait_until_ready(process: "subprocess.Popen[Any]") -> None:
    """Read the server's log until it says that the server is ready."""
    log: list[str] = []
    assert process.stderr is not None
    for line in process.stderr:
        log.append(line.decode(errors="replace"))
        if "ready to accept connections" in log[-1]:
            return
    pytest.fail(f"PostgreSQL does not start:\n{''.join(log)}")


def test_drill_queries_postgresql(drills: Drills, postgresql_port: int) -> None:
    """Data that is missing, and a server that is not there, are found."""
    names = "gone", "invoices", "orders"
    book = drills.book(*names, master_username=USER, db_name=DATABASE)
    # The name of a drill's instance is not known before, but a pattern of it is.
    sandbox = drills.fleet.sandbox
    for name in ("invoices", "orders"):
        sandbox.set_endpoint(DESTINATION, f"drill-*-{name}", "127.0.0.1", postgresql_port)
    with socket.create_server(("127.0.0.1", 0)) as listener:  # which nothing listens on later
        closed_port: int = listener.getsockname()[1]
    sandbox.set_endpoint(DESTINATION, "drill-*-gone", "127.0.0.1", closed_port)
    report = drills.run(book, check=["sh", "-c", QUERY])
    gone, invoices, orders = report.instances
    assert (orders.check, orders.check_output) == ("passed", "3")
    assert orders.is_proven
    assert (gone.check, invoices.check) == ("failed", "failed")
    assert "onnection refused" in str(gone.check_output)
    assert 'relation "invoices" does not exist' in str(invoices.check_output)
    assert not report.is_proven
    assert report.left_behind == ()
    assert drills.left() == []
