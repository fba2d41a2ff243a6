"""An apply whose process is killed amid replacements: resuming heals each of them."""

import subprocess
import sys
from pathlib import Path

import pytest

from rds_backup_replication.fleet import plan, resume
from rds_backup_replication.fleet._journal import read_journal
from rds_backup_replication.testing import instant_waits

from .apply_cases import add_instances
from .fleets import ONE, Fleet, policy

pytestmark = [pytest.mark.long, pytest.mark.once]

APPLY = """
import sys
from pathlib import Path

from rds_backup_replication.fleet import Access, Plan, Policy, apply
from rds_backup_replication.testing import instant_waits

folder, endpoint_url = Path(sys.argv[1]), sys.argv[2]
with instant_waits():
    apply(
        Plan.model_validate_json((folder / "plan.json").read_text()),
        Policy.from_file(folder / "policy.json"),
        access=Access(endpoint_url=endpoint_url),
        journal=folder / "journal",
    )
"""


@pytest.mark.parametrize("takes_effect", [False, True])
@pytest.mark.parametrize(
    "number", range(6), ids=["stop", "start", "stop_2", "stop_3", "start_2", "start_3"]
)
def test_killed_apply_is_healed(
    fleet: Fleet, tmp_path: Path, *, number: int, takes_effect: bool
) -> None:
    """The process ends with a request on its way, which takes effect or does not."""
    arns = add_instances(fleet, 4, ONE)
    client = fleet.client(ONE[0])
    for arn in arns:
        client.ensure_replication(
            source_db_instance_arn=arn, backup_retention_period=3, tags={"cost": arn[-2:]}
        )
    wanted = policy(ONE, more="limits: {at_once: 2}\n")
    planned = plan(wanted, access=fleet.access)
    assert planned.counts == {"replace": 4}
    (tmp_path / "plan.json").write_text(planned.model_dump_json(), encoding="utf-8")
    (tmp_path / "policy.json").write_text(wanted.model_dump_json(), encoding="utf-8")
    fleet.writes.clear()
    killed: list[int] = []
    with subprocess.Popen(  # noqa: S603  # the code is above
        [sys.executable, "-c", APPLY, str(tmp_path), fleet.sandbox.endpoint_url]
    ) as process:

        def kill(writes: int) -> None:
            if writes >= number:
                process.kill()
                process.wait()
                killed.append(writes)
                if not takes_effect:
                    raise RuntimeError("the request has no effect")

        fleet.before_write = kill
        process.wait(60)
    assert killed
    fleet.before_write = None
    if number == 1:  # the start of the first replacement
        assert fleet.writes == {
            ("stop", arns[0]): 1,
            **({("start", arns[0]): 1} if takes_effect else {}),
        }
    journal = tmp_path / "journal"
    assert read_journal(journal).begun
    with instant_waits():
        report = resume(journal, wanted, access=fleet.access)
    assert report.counts.keys() <= {"done", "unchanged"}
    for arn in arns:
        backup = client.find_replicated_backup(source_db_instance_arn=arn)
        assert backup is not None
        assert backup.is_active
        assert backup.backup_retention_period == 14
        assert {tag.key: tag.value for tag in backup.tag_list or ()} == {"cost": arn[-2:]}
    writes = fleet.writes.copy()
    with instant_waits():
        assert resume(journal, wanted, access=fleet.access).is_complete
    assert fleet.writes == writes
