"""A client in the child of a process that has used it.

What holds: in the child of a fork, a client of the parent's works, while the parent goes on
using it too, if no other thread of the parent was within a call at the moment of the fork. If one
was, it may have held a lock, which nobody in the child would release: that is so of anything that
has locks, and Python itself warns of it.
"""

import os
import subprocess
import sys

import pytest

from .echo import echo
from .wire import RDSServer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.mark.parametrize("by", ["library", "boto3"])
def test_parent_and_child_each_get_their_own_answers(
    monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with RDSServer(echo) as server:
        # From 3.12 on Python counts the system's threads, of which one may just be ending.
        ignore = "ignore:This process:DeprecationWarning"
        command = [sys.executable, "-W", ignore, "-m", "tests.forking", server.endpoint_url, by]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    assert (run.returncode, run.stderr) == (0, "")
    names = [request.parameters["DBInstanceIdentifier"] for request in server.received]
    whose = ("before", "child", "parent")
    assert sorted(names) == sorted(f"{who}-{number}" for who in whose for number in range(100))
