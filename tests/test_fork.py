"""Tests of a client that is used on both sides of a fork.

A client created before a fork works in the child while the parent keeps using it, provided that no
other thread of the parent was making a call during the fork. Such a thread could hold a lock, which
no thread of the child would ever release. This limit applies to all code with locks, and Python
warns about it.
"""

import os
import subprocess
import sys

import pytest

from .echo import echo
from .wire import RDSServer

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.mark.parametrize("by", ["library", "boto3"])
def test_parent_and_child_get_own_responses(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
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
