"""Fleets on Dask, whose workers are other processes."""

from pathlib import Path
from typing import Any

import distributed
import pytest

from rds_backup_replication.fleet import Plan, apply, audit, plan

from .fleets import ACCOUNTS, REGIONS, Fleet, policy

pytestmark = [
    pytest.mark.long,
    pytest.mark.filterwarnings("default"),  # Dask's own warnings are out of our hands
]


def test_fleet_on_dask_workers(fleet: Fleet, tmp_path: Path) -> None:
    arns = {
        fleet.add(account, region, f"db-{number}")
        for account in ACCOUNTS
        for region in REGIONS[:2]
        for number in range(2)
    }
    dask: Any = distributed  # partly typed
    with (
        dask.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            dashboard_address=None,
            local_directory=str(tmp_path),
        ) as cluster,
        dask.Client(cluster) as client,
    ):
        executor = client.get_executor(pure=False)
        planned = plan(policy(), access=fleet.access, executor=executor)
        assert isinstance(planned, Plan)
        assert planned.counts == {"start": len(arns)}
        applied = apply(planned, policy(), access=fleet.access, executor=executor)
        assert applied.counts == {"done": len(arns)}
        report = audit(policy(), access=fleet.access, executor=executor)
    assert report.counts == {"protected": len(arns)}
    assert {record.db_instance_arn for record in report.records} == arns
    assert fleet.writes == {("start", arn): 1 for arn in arns}
