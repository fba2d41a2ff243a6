"""A drill deletes all that it has made, and nothing else, whoever interferes."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from moto.rds.exceptions import DBInstanceNotFoundError, RDSClientError

from rds_backup_replication.exceptions import (
    AccessDeniedError,
    InstanceQuotaExceededFault,
    InvalidDBInstanceStateFault,
    RecoveryRefusedError,
)
from rds_backup_replication.fleet._journal_file import JournalFile
from rds_backup_replication.recovery import (
    DrilledInstance,
    DrillReport,
    RestoredInstance,
    drill_cleanup,
)
from rds_backup_replication.recovery._settings import KIND_TAG, RUN_TAG

from . import drill_cases
from .drill_cases import ACCOUNT, Drills
from .fleets import DESTINATION

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("no_backoff")]

drills = drill_cases.drills
RUN_ID = "0123456789abcdef0123456789abcdef"


def by_name(report: DrillReport) -> dict[str, DrilledInstance]:
    return {each.restore.db_instance_identifier: each for each in report.instances}


def test_drill_of_failures(drills: Drills) -> None:
    """What fails, or whose response is lost, is deleted like the rest."""
    names = "capacity", "denied", "lost-delete", "lost-restore", "quick", "retried", "slow"
    book = drills.book(*names)
    before = drills.others()
    sandbox = drills.fleet.sandbox
    sandbox.behavior = replace(sandbox.behavior, deleting_instance_looks=0)
    polls: Counter[tuple[str, str]] = Counter()

    def interfere(operation: str, name: str) -> None:
        step = operation.partition("_")[0], name.split("-", 2)[2]
        polls[step] += 1
        if step == ("restore", "capacity"):
            raise RDSClientError("InsufficientDBInstanceCapacity", "Sandbox: no room.")
        if step == ("delete", "slow") and polls[step] <= 20:
            raise RDSClientError("InvalidDBInstanceState", "Sandbox: still creating.")
        if polls[step] > 1:
            return
        if step == ("restore", "denied"):
            sandbox.add_fault("modify_db_instance", AccessDeniedError)
        if step == ("modify", "lost-delete"):  # botocore sends it five times
            sandbox.lose_answer("delete_db_instance", times=5)
        if step == ("delete", "lost-delete"):
            sandbox.lose_answer("restore_db_instance_to_point_in_time", times=5)
        if step == ("delete", "quick"):
            # The next restore takes effect, and botocore's retry of it is refused.
            sandbox.lose_answer("restore_db_instance_to_point_in_time")
            sandbox.add_fault("restore_db_instance_to_point_in_time", InstanceQuotaExceededFault)

    def check(instance: RestoredInstance) -> None:
        assert instance.db_instance_identifier != "slow", "no rows"

    drills.before = interfere
    report = drills.run(book, check=check, at_once=1)
    assert drills.left() == []
    assert drills.most == 1
    assert drills.others() == before
    assert report.left_behind == ()
    assert not report.is_proven
    found = by_name(report)
    assert {
        name: (each.restore.outcome, each.check, each.cleanup) for name, each in found.items()
    } == {
        "capacity": ("failed", "not_run", "absent"),
        "denied": ("failed", "not_run", "deleted"),
        "lost-delete": ("done", "passed", "deleted"),
        "lost-restore": ("done", "passed", "deleted"),
        "quick": ("done", "passed", "deleted"),
        "retried": ("done", "passed", "deleted"),
        "slow": ("done", "failed", "deleted"),
    }
    assert found["capacity"].restore.error_code == "InsufficientDBInstanceCapacity"
    assert found["denied"].restore.error_code == "AccessDenied"
    assert "no rows" in str(found["slow"].check_output)
    assert polls["delete", "slow"] == 21
    assert polls["delete", "lost-delete"] == 5
    # Nothing is left to do, and the journal knows it.
    changes = len(drills.changes)
    assert drills.clean_up().instances == report.instances
    assert len(drills.changes) == changes


def test_drill_with_interference(drills: Drills) -> None:
    """An instance that somebody has changed is left alone, and reported with what to do."""
    names = "gone", "protected", "renamed", "replaced", "tag-copied", "untagged"
    book = drills.book(*names)
    before = drills.others()
    mine: dict[str, Any] = {}
    made: dict[str, Any] = {}

    def rename(name: str, instance: Any) -> None:
        instance.db_instance_identifier = "keep-me"
        drills.databases["keep-me"] = drills.databases.pop(name)

    deeds: dict[str, Callable[[str, Any], object]] = {
        "gone": lambda name, _: drills.databases.pop(name),
        "protected": lambda _, instance: setattr(instance, "deletion_protection", True),
        "renamed": rename,
        "replaced": lambda name, _: drills.add(name, team="other"),
        "tag-copied": lambda name, instance: drills.add(
            name, **{tag["Key"]: tag["Value"] for tag in instance.tags}
        ),
        "untagged": lambda _, instance: instance.tags.clear(),
    }

    def interfere(operation: str, name: str) -> None:
        who = name.split("-", 2)[2]
        if operation == "modify_db_instance" and who not in mine:
            mine[who] = drills.databases[name]
            made[who] = deeds[who](name, mine[who])

    drills.after = interfere
    report = drills.run(book)
    drills.after = None
    left = {each.restore.db_instance_identifier: each for each in report.left_behind}
    assert left.keys() == {"protected", "renamed", "replaced", "tag-copied", "untagged"}
    gone = by_name(report)["gone"]
    assert gone.cleanup == "absent"
    assert "no longer exists" in str(gone.restore.message)
    texts = {name: str(each.cleanup_message) for name, each in left.items()}
    assert "switch it off, and run the cleanup" in texts["protected"]
    assert "renamed" in texts["renamed"]
    assert "keep-me" in texts["renamed"]
    assert "does not have the tag of this drill" in texts["untagged"]
    for name in ("replaced", "tag-copied"):
        assert made[name] in texts[name]
        assert "is not the one that this drill has made" in texts[name]
    assert drills.names_of("delete_db_instance") == []

    # Once the protection is off, and the tag is back, the cleanup deletes both.
    prefix = f"drill-{report.run_id[:8]}-"
    mine["protected"].deletion_protection = False
    mine["untagged"].tags = [
        {"Key": KIND_TAG, "Value": "drill"},
        {"Key": RUN_TAG, "Value": report.run_id},
    ]
    events: list[DrilledInstance] = []
    cleaned = drills.clean_up(on_event=events.append)
    assert {each.restore.db_instance_identifier for each in events} == left.keys()
    assert sorted(drills.names_of("delete_db_instance")) == [
        f"{prefix}protected",
        f"{prefix}untagged",
    ]
    assert {name for name, each in by_name(cleaned).items() if each in cleaned.left_behind} == {
        "renamed",
        "replaced",
        "tag-copied",
    }
    (request_id,) = set(by_name(cleaned)["untagged"].restore.request_ids) - set(
        by_name(report)["untagged"].restore.request_ids
    )
    assert request_id
    assert cleaned.run_id == report.run_id
    drills.clean_up()
    assert len(drills.names_of("delete_db_instance")) == 2
    for name in ("replaced", "tag-copied"):
        assert drills.databases[f"{prefix}{name}"].dbi_resource_id == made[name]
    assert drills.databases["keep-me"] is mine["renamed"]
    now = drills.others()
    assert {arn: now[arn] for arn in before} == before


def line(event: str, identifier: str, resource_id: str | None = None, **facts: Any) -> str:
    """Return a line of a journal about the restore of an instance."""
    common = {"event": event, "at": "2026-11-29T12:00:00Z", "step": "restore"}
    place = {"account_id": ACCOUNT, "region": DESTINATION, "identifier": identifier}
    arn = {"db_instance_arn": f"arn:aws:rds:us-west-2:{ACCOUNT}:db:a"} if event == "begin" else {}
    known = {} if resource_id is None else {"dbi_resource_id": resource_id}
    return json.dumps({**common, **place, **arn, **known, **facts})


def write_journal(path: Path, *lines: str, kind: str = "drill") -> None:
    header = {
        "event": "recovery",
        "kind": kind,
        "at": "2026-11-29T12:00:00Z",
        "run_id": RUN_ID,
        "book_hash": "0" * 64,
        "book_captured_at": "2026-11-29T12:00:00Z",
    }
    path.write_text("".join(f"{each}\n" for each in (json.dumps(header), *lines)))


def test_cleanup_with_an_edited_journal(drills: Drills) -> None:
    """Whatever a journal says, only what has its resource ID and the drill's tags is deleted."""
    tags = {KIND_TAG: "drill", RUN_TAG: RUN_ID}
    instances = {
        "drill-mine": tags,
        "drill-lost": tags,  # the response to its restore was lost
        "prod-named": {"env": "prod"},
        "prod-untagged": {},
        "prod-tagged": tags,
        "prod-uncertain": {"env": "prod"},
        "prod-recovered": {KIND_TAG: "recovery", RUN_TAG: RUN_ID},
        "prod-half": {RUN_TAG: RUN_ID},
        "prod-other": {KIND_TAG: "drill", RUN_TAG: f"{RUN_ID}0"},
    }
    ids = {name: drills.add(name, **each) for name, each in instances.items()}
    for name in ids:
        drills.databases[name].status = "available"
    uncertain = ("drill-lost", "prod-uncertain", "prod-recovered", "prod-half", "prod-other")
    known = {name: ids[name] for name in ("drill-mine", "prod-named", "prod-untagged")}
    known["prod-tagged"] = ids["drill-mine"]
    write_journal(
        drills.journal,
        *(line("begin", name) for name in (*known, *uncertain)),
        *(line("end", name, resource_id) for name, resource_id in known.items()),
        line("begin", "drill-never-there"),
        line("begin", "drill-refused"),
        line("end", "drill-refused", error="InstanceQuotaExceededFault"),
    )
    report = drills.clean_up()
    assert sorted({*ids} - {*drills.databases}) == ["drill-lost", "drill-mine"]
    assert {name: drills.databases[name].dbi_resource_id for name in ids if "prod" in name} == {
        name: resource_id for name, resource_id in ids.items() if "prod" in name
    }
    outcomes = {
        each.restore.target_db_instance_identifier: each.cleanup for each in report.instances
    }
    assert outcomes == {
        **{name: "failed" for name in ids if "prod" in name},
        "drill-lost": "deleted",
        "drill-mine": "deleted",
        "drill-never-there": "absent",
        "drill-refused": "absent",
    }
    for each in report.left_behind:
        assert "left alone" in str(each.cleanup_message)


@pytest.mark.long
def test_cleanup_with_stale_responses(drills: Drills) -> None:
    """Describe may show neither a new instance nor its tags for a while."""
    tags = {KIND_TAG: "drill", RUN_TAG: RUN_ID}
    names = "drill-hidden", "drill-hidden-lost", "drill-bare", "drill-bare-lost"
    ids = {name: drills.add(name) for name in names}
    polls: Counter[str] = Counter()

    def interfere(operation: str, name: str) -> None:
        polls[name] += operation == "describe_db_instances"
        if "hidden" in name and polls[name] < 10:
            raise DBInstanceNotFoundError(name)
        if polls[name] == 10:
            drills.databases[name].tags = [{"Key": k, "Value": v} for k, v in tags.items()]

    drills.before = interfere
    write_journal(
        drills.journal,
        *(line("begin", name) for name in names),
        *(line("end", name, ids[name]) for name in names if "lost" not in name),
    )
    report = drills.clean_up()
    assert drills.left() == []
    assert [each.cleanup for each in report.instances] == ["deleted"] * 4
    assert sorted(drills.names_of("delete_db_instance")) == sorted(names)


def test_cleanup_of_a_recovery(tmp_path: Path) -> None:
    write_journal(tmp_path / "journal", kind="recovery")
    with pytest.raises(RecoveryRefusedError, match="never deleted"):
        drill_cleanup(tmp_path / "journal")


@pytest.mark.long
@pytest.mark.parametrize("presses", [1, 2])
def test_drill_interrupted(drills: Drills, presses: int) -> None:
    """The first Ctrl-C deletes what exists; a second one leaves it to the cleanup."""
    book = drills.book("orders", "users", "carts")
    before = drills.others()
    drills.fleet.sandbox.add_fault("delete_db_instance", InvalidDBInstanceStateFault, times=3)
    raised: list[str] = []

    def on_event(event: DrilledInstance) -> None:
        if event.restore.restored_dbi_resource_id and len(raised) < presses:
            raised.append(event.restore.db_instance_identifier)
            raise KeyboardInterrupt

    if presses == 1:
        report = drills.run(book, on_event=on_event, at_once=2)
        assert report.is_interrupted
        assert report.left_behind == ()
        outcomes = {each.restore.outcome for each in report.instances}
        assert "not_attempted" in outcomes
        assert not report.is_proven
        assert len(report.instances) == 3
    else:
        with pytest.raises(KeyboardInterrupt):
            drills.run(book, on_event=on_event, at_once=2)
        assert len(drills.names_of("restore_db_instance_to_point_in_time")) == 2
        assert drills.clean_up().left_behind == ()
    assert drills.left() == []
    assert drills.others() == before


@pytest.mark.long
def test_drill_whose_callback_fails(drills: Drills) -> None:
    """A bug of the caller reaches the caller, and leaves nothing behind."""
    book = drills.book("orders", "users", "carts")

    def on_event(event: DrilledInstance) -> None:
        raise ValueError(event.restore.db_instance_identifier)

    with pytest.raises(ValueError, match=r"orders|users|carts"):
        drills.run(book, on_event=on_event)
    assert drills.left() == []
    assert drills.clean_up().left_behind == ()


@pytest.mark.long
@pytest.mark.parametrize("number", [4, 5, 6, 9])
def test_drill_whose_disk_is_full(
    drills: Drills, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Without a journal nothing more is restored, and what exists is deleted all the same."""
    book = drills.book("orders", "users")
    write: Any = vars(JournalFile)["write"]
    lines: list[object] = []

    def fail(file: Any, written: Any) -> None:
        lines.append(written)
        if len(lines) >= number:
            raise OSError(28, "No space left on device")
        write(file, written)

    monkeypatch.setattr(JournalFile, "write", fail)
    with pytest.raises(OSError, match="No space left"):
        drills.run(book, at_once=1)
    assert drills.left() == []
    assert len(drills.names_of("delete_db_instance")) == 1
