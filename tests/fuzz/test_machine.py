"""Whatever is done in whatever order, the client's results and the sandbox are as they must be."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from rds_backup_replication.sandbox import Sandbox

from .figures import scaled
from .machine import Replications
from .model import HERE, SOURCE

pytestmark = pytest.mark.usefixtures("no_backoff", "world")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What all examples use."""

    def enough(*_: object) -> bool:
        return True

    # A client that has retried often retries no more: one example would spoil the next.
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", enough)
    with Sandbox() as sandbox:
        monkeypatch.setattr(Replications, "sandbox", sandbox, raising=False)
        monkeypatch.setattr(Replications, "client", sandbox.client(HERE), raising=False)
        source = sandbox.boto3_client("rds", SOURCE)
        monkeypatch.setattr(Replications, "source", source, raising=False)
        yield


@pytest.mark.long
def test_results_and_state_are_those_of_the_model() -> None:
    run_state_machine_as_test(
        Replications,
        # An example takes a hundred times as long as those of the other properties.
        settings=settings(max_examples=12 + scaled(4), stateful_step_count=30, deadline=None),
    )


def test_what_was_found_stays_mended() -> None:
    state = Replications()
    state.begin(pending_looks=2)
    for trouble in ([], ["lose"]):
        state.start(name="a", retention=None, trouble=[])
        state.restore(name="a")
        state.ensure_stopped(name="a", trouble=trouble)
        state.nothing_else_is_so()
