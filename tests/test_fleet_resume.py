"""Going on with an apply that was interrupted, or whose process was killed."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from rds_backup_replication.exceptions import PlanRefusedError
from rds_backup_replication.fleet import ActionResult, ApplyReport, Policy, apply, resume
from rds_backup_replication.fleet._journal import Journal, read_journal

from . import apply_cases
from .apply_cases import AppliedActions, action, make_plan, name_of, replacement, stop

pytestmark = pytest.mark.once

applied = apply_cases.applied
TEXT = f'accounts: [{{id: "123456789012"}}]\nlimits: {{at_once: 1}}\n{apply_cases.RULES}'
POLICY = Policy.from_yaml(TEXT)
OTHER_POLICY = Policy.from_yaml(TEXT.replace("us-west-2", "us-west-1"))
OLD = datetime.now(timezone.utc) - timedelta(days=2)


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def kill(name: str) -> Callable[[str], None]:
    """Return a function that ends the process while an instance's action is in progress."""

    def end(begun: str) -> None:
        if begun == name:
            raise Killed

    return end


def outcomes(report: ApplyReport) -> dict[str, str]:
    return {name_of(result.action): result.outcome for result in report.results}


def test_killed_apply_is_resumed(applied: AppliedActions, path: Path) -> None:
    """What was cut off comes first, what is done is left alone, and the rest follows."""
    plan = make_plan(POLICY, action("start", "s"), *(replacement(name) for name in "abcd"))
    applied.during = kill("b")
    with pytest.raises(Killed):
        apply(plan, POLICY, journal=path)
    assert applied.begun == ["s", "a", "b"]
    applied.begun.clear()
    applied.during = lambda _: None
    seen: list[ActionResult] = []
    report = resume(path, POLICY, on_event=seen.append)
    assert report.counts == {"done": 5}
    assert [result.action for result in report.results] == list(plan.changes)
    assert applied.begun == ["b", "c", "d"]
    assert applied.cut_off == {"b"}
    assert sorted(name_of(result.action) for result in seen) == sorted(applied.begun)
    applied.begun.clear()
    assert resume(path, POLICY).counts == {"done": 5}
    assert applied.begun == []


@pytest.mark.parametrize("has_executor", [False, True])
def test_resume_heals_all_before_new_replacements(
    applied: AppliedActions, path: Path, *, has_executor: bool
) -> None:
    """A failed replacement that left a gap is cut off, too; other failures are not."""
    plan = make_plan(POLICY, *(replacement(name) for name in "abcdef"))
    applied.fail("a", is_protected=True)
    applied.fail("c", is_protected=False)
    assert outcomes(apply(plan, POLICY, journal=path)) == {
        "a": "failed",
        "b": "done",
        "c": "failed",
        **dict.fromkeys("def", "not_attempted"),
    }
    with Journal.reopen(path) as (journal, _):
        journal.begin(plan.actions[5])
    applied.begun.clear()
    applied.outcomes.clear()
    with ThreadPoolExecutor(4) as executor:
        report = resume(path, POLICY, executor=executor if has_executor else None)
    assert report.counts == {"done": 6}
    assert applied.begun == ["c", "f", "a", "d", "e"]
    assert applied.cut_off == {"c", "f"}


def test_failed_healing_lets_others_heal_and_begins_nothing_new(
    applied: AppliedActions, path: Path
) -> None:
    plan = make_plan(POLICY, *(replacement(name) for name in "abcde"), action("start", "s"))
    with Journal.create(path, plan, 0, 10) as journal:
        for planned in plan.actions[:3]:
            journal.begin(planned)
    applied.fail("a", is_protected=None)
    report = resume(path, POLICY)
    assert outcomes(report) == {
        "a": "failed",
        "b": "done",
        "c": "done",
        "d": "not_attempted",
        "e": "not_attempted",
        "s": "done",
    }
    assert ":db:a may be without a replication" in str(report.results[3].message)
    applied.outcomes.clear()
    applied.begun.clear()
    assert resume(path, POLICY).is_complete
    assert applied.begun[0] == "a"


@pytest.mark.parametrize(
    ("planned_at", "policy", "reason"),
    [
        (OLD, POLICY, "pass a longer max_age="),
        (None, OTHER_POLICY, "made for another policy"),
    ],
)
def test_expired_journal_only_heals(
    applied: AppliedActions,
    path: Path,
    planned_at: datetime | None,
    policy: Policy,
    reason: str,
) -> None:
    """Under an outdated plan, replacements and starts that were cut off end, and no stop."""
    plan = make_plan(
        POLICY,
        *(replacement("a"), action("start", "b"), stop("c"), replacement("d"), stop("e")),
        planned_at=planned_at,
    )
    with Journal.create(path, plan, 2, 10) as journal:
        for planned in plan.actions[:3]:
            journal.begin(planned)
    events: list[ActionResult] = []
    report = resume(path, policy, on_event=events.append)
    assert outcomes(report) == {
        "a": "done",
        "b": "done",
        "c": "not_attempted",
        "d": "not_attempted",
        "e": "not_attempted",
    }
    assert all(reason in str(result.message) for result in report.results[2:])
    assert sorted(applied.begun) == ["a", "b"]
    assert len(events) == 5
    first, _ = read_journal(path).divide(POLICY, are_refused=False)
    assert [name_of(planned) for planned in first] == ["c"]  # still begun
    if planned_at is not None:
        assert resume(path, policy, max_age=timedelta(days=3)).is_complete


def test_account_that_left_the_policy_is_not_healed(applied: AppliedActions, path: Path) -> None:
    plan = make_plan(POLICY, replacement("a"), replacement("b"))
    with Journal.create(path, plan, 0, 10) as journal:
        journal.begin(plan.actions[0])
    report = resume(path, Policy.from_yaml(TEXT.replace("123456789012", "111111111111")))
    assert report.counts == {"not_attempted": 2}
    assert "account 123456789012, which is not in the policy" in str(report.results[0].message)
    assert applied.begun == []


def test_resume_goes_by_the_limits_of_the_journal(applied: AppliedActions, path: Path) -> None:
    plan = make_plan(POLICY, stop("a"), stop("b"), *(replacement(f"r{n}") for n in range(11)))
    with pytest.raises(PlanRefusedError):
        apply(plan, POLICY)
    applied.fail("r0", is_protected=False)
    apply(plan, POLICY, journal=path, max_stops=2, max_replacements=11)
    applied.outcomes.clear()
    assert resume(path, POLICY).is_complete


@pytest.mark.usefixtures("applied")
def test_interrupted_resume_keeps_what_was_cut_off(path: Path) -> None:
    """A healing that Ctrl-C prevents is still the first thing of the next run."""
    plan = make_plan(POLICY, *(replacement(f"r{number:03}") for number in range(200)))
    with Journal.create(path, plan, 0, 10) as journal:
        for planned in plan.actions:
            journal.begin(planned)

    def interrupt_once(_: object) -> None:
        if not interrupted:
            interrupted.append(None)
            raise KeyboardInterrupt

    interrupted: list[None] = []
    report = resume(path, POLICY, on_event=interrupt_once)
    assert report.interrupted
    left = [name for name, outcome in outcomes(report).items() if outcome == "not_attempted"]
    assert left
    first, rest = read_journal(path).divide(POLICY, are_refused=False)
    assert [name_of(planned) for planned in first] == left
    assert rest == ()


def test_invalid_arguments_of_resume(path: Path) -> None:
    with pytest.raises(ValueError, match="max_concurrency="):
        resume(path, POLICY, max_concurrency=0)
    with pytest.raises(ValueError, match="max_age="):
        resume(path, POLICY, max_age=timedelta(-1))
    with pytest.raises(FileNotFoundError):
        resume(path, POLICY)
    assert not path.exists()
