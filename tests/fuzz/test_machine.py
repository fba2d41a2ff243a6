"""Whatever is done in whatever order, the client's results and the sandbox are as they must be."""

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from rds_backup_replication.sandbox import Sandbox

from .figures import scaled
from .machine import Replications
from .model import HERE, SOURCE


@pytest.mark.usefixtures("no_backoff")
def test_results_and_state_are_those_of_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    def enough(*_: object) -> bool:
        return True

    # A client that has retried often retries no more: one example would spoil the next.
    monkeypatch.setattr("botocore.retries.quota.RetryQuota.acquire", enough)
    with Sandbox() as sandbox:
        monkeypatch.setattr(Replications, "sandbox", sandbox, raising=False)
        monkeypatch.setattr(Replications, "client", sandbox.client(HERE), raising=False)
        source = sandbox.boto3_client("rds", SOURCE)
        monkeypatch.setattr(Replications, "source", source, raising=False)
        run_state_machine_as_test(
            Replications,
            # An example takes a hundred times as long as those of the other properties.
            settings=settings(max_examples=12 + scaled(4), stateful_step_count=30, deadline=None),
        )
