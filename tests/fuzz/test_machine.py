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
    with Sandbox() as sandbox:
        monkeypatch.setattr(Replications, "sandbox", sandbox, raising=False)
        monkeypatch.setattr(Replications, "client", sandbox.client(HERE), raising=False)
        source = sandbox.boto3_client("rds", SOURCE)
        monkeypatch.setattr(Replications, "source", source, raising=False)
        run_state_machine_as_test(
            Replications,
            settings=settings(max_examples=scaled(6), stateful_step_count=20, deadline=None),
        )
