"""Tests that calls in any order have the results and the effects of a plain model."""

from collections.abc import Iterator

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from rds_backup_replication.sandbox import Sandbox

from ..lifecycle_cases import NO_RETRIES
from .figures import scaled
from .machine import Replications
from .model import DESTINATION, SOURCE
from .protection import Protection

pytestmark = pytest.mark.usefixtures("no_backoff", "shared_sandbox")


@pytest.fixture
def shared_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Set one sandbox and its clients for all examples."""

    def enough(*_: object) -> bool:
        return True

    # Retries of earlier examples would use up botocore's retry quota for later ones.
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", enough)
    with Sandbox() as sandbox:
        source = sandbox.boto3_client("rds", SOURCE)
        for machine, retries in ((Replications, None), (Protection, NO_RETRIES)):
            client = sandbox.client(DESTINATION, config=retries)
            for name, value in (("sandbox", sandbox), ("client", client), ("source", source)):
                monkeypatch.setattr(machine, name, value, raising=False)
        yield


@pytest.mark.long
def test_calls_in_any_order_match_the_model() -> None:
    run_state_machine_as_test(
        Replications,
        # An example takes a hundred times as long as one of another property.
        settings=settings(max_examples=12 + scaled(4), stateful_step_count=30, deadline=None),
    )


@pytest.mark.long
def test_no_replication_is_lost_without_a_word() -> None:
    run_state_machine_as_test(
        Protection,
        settings=settings(
            max_examples=12 + scaled(4),
            stateful_step_count=30,
            deadline=None,
            # The same steps in every run; `make fuzz` looks for others.
            derandomize=scaled(1) == 1,
        ),
    )


def test_stop_after_restore_matches_the_model() -> None:
    state = Replications()
    state.begin(pending_looks=2)
    for failures in ([], ["lose"]):
        state.start(name="a", retention=None, failures=[])
        state.restore(name="a")
        state.ensure_stopped(name="a", failures=failures)
        state.sandbox_equals_model()
