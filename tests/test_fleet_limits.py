"""The checks of a plan as a whole, and the order of replacements."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from rds_backup_replication.exceptions import BackupReplicationError, PlanRefusedError
from rds_backup_replication.fleet import ActionResult, PlannedAction, Policy, apply

from . import apply_cases
from .apply_cases import (
    ACCOUNT,
    AppliedActions,
    Immediate,
    action,
    make_plan,
    name_of,
    replacement,
    stop,
)

pytestmark = pytest.mark.once

applied = apply_cases.applied
POLICY = """
accounts: [{id: "123456789012"}]
limits: {replacements: 10, at_once: 3}
"""


def policy(text: str = POLICY, rules: str = apply_cases.RULES) -> Policy:
    return Policy.from_yaml(text + rules)


def refusals(*actions: PlannedAction, **keywords: Any) -> tuple[str, ...]:
    """Return why apply refuses a plan; it must have applied nothing."""
    planned_at = keywords.pop("planned_at", None)
    planned = make_plan(policy(), *actions, planned_at=planned_at)
    try:
        apply(planned, keywords.pop("wanted", policy()), **keywords)
    except PlanRefusedError as error:
        return error.reasons
    return ()


def outcomes(results: tuple[ActionResult, ...]) -> dict[str, str]:
    return {name_of(result.action): result.outcome for result in results}


def test_refused_plan_lists_all_reasons(applied: AppliedActions) -> None:
    other = policy(
        POLICY.replace(ACCOUNT, "111111111111"),
        apply_cases.RULES.replace("us-west-2", "us-west-1"),
    )
    reasons = refusals(
        *(stop(name) for name in "abcd"),
        *(replacement(f"r{number}") for number in range(11)),
        planned_at=datetime.now(timezone.utc) - timedelta(days=1, minutes=1, seconds=0.5),
        wanted=other,
    )
    assert [reason.split(".")[0] for reason in reasons] == [
        "The plan was made for another policy, or the policy has changed since",
        f"The plan changes account {ACCOUNT}, which is not in the policy",
        "The plan is 1d 1m old, and may be 1d old at most",
        "The plan would stop 4 replications, and the limit is 0",
        "The plan would replace 11 replications, and the limit is 10",
    ]
    assert "max_age=" in reasons[2]
    assert "max_stops=4 " in reasons[3]
    assert "max_replacements=11 " in reasons[4]
    assert applied.begun == []


def test_refused_plan_is_a_value_error() -> None:
    error = PlanRefusedError(["One.", "Two."])
    assert isinstance(error, (BackupReplicationError, ValueError))
    assert str(error) == "The plan was not applied, and nothing was sent:\n  One.\n  Two."


@pytest.mark.parametrize(
    ("keywords", "is_refused"),
    [
        ({"max_stops": 1}, True),
        ({"max_stops": 2}, False),
        ({"max_stops": 2, "max_replacements": 1}, True),
        ({"max_stops": 2, "max_replacements": 2}, False),
        ({"wanted": policy(POLICY.replace("{replacements: 10,", "{stops: 2,"))}, False),
        ({"wanted": policy(POLICY.replace("replacements: 10", "replacements: 1, stops: 2"))}, True),
        # A parameter takes precedence over the policy.
        ({"max_stops": 1, "wanted": policy(POLICY.replace("{repl", "{stops: 2, repl"))}, True),
    ],
)
@pytest.mark.usefixtures("applied")
def test_limits_of_a_plan(keywords: dict[str, Any], *, is_refused: bool) -> None:
    """The stops that end moves do not count."""
    moves = [stop("m", moved_to="eu-west-1"), stop("n", moved_to="eu-west-1")]
    actions = [stop("a"), stop("b"), replacement("c"), replacement("d"), action("start", "e")]
    assert bool(refusals(*moves, *actions, **keywords)) is is_refused


@pytest.mark.usefixtures("applied")
@pytest.mark.parametrize(
    ("age", "keywords", "is_refused"),
    [
        (timedelta(hours=23, minutes=59), {}, False),
        (timedelta(hours=2), {"max_age": timedelta(hours=1)}, True),
        (timedelta(days=4), {"max_age": timedelta(days=5)}, False),
        (-timedelta(minutes=4), {}, False),
        (-timedelta(minutes=6), {}, True),
    ],
)
def test_age_of_a_plan(age: timedelta, keywords: dict[str, Any], *, is_refused: bool) -> None:
    reasons = refusals(replacement("a"), planned_at=datetime.now(timezone.utc) - age, **keywords)
    assert bool(reasons) is is_refused
    assert not is_refused or ("in the future" in reasons[0]) is (age < timedelta(0))


@pytest.mark.parametrize(
    ("keywords", "message"),
    [
        ({"max_stops": -1}, "max_stops= must be at least 0"),
        ({"max_replacements": -1}, "max_replacements= must be at least 0"),
        ({"max_age": timedelta(-1)}, "max_age= must not be negative"),
    ],
)
def test_invalid_limit(keywords: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        refusals(replacement("a"), **keywords)


def test_one_replacement_first_then_several(applied: AppliedActions) -> None:
    """The second, third and fourth run at the same time, as the policy's limit says."""
    three = threading.Barrier(3, timeout=20)
    applied.during = lambda name: None if name in "ae" else three.wait()
    planned = make_plan(policy(), *(replacement(name) for name in "abcde"))
    seen: list[int] = []
    report = apply(planned, policy(), on_start=lambda _: seen.append(applied.running))
    assert report.counts == {"done": 5}
    assert applied.begun[0] == "a"
    assert seen[:2] == [0, 0]  # the first ended before the second began
    assert applied.most_at_once == 3


def test_executor_gets_one_replacement_first(applied: AppliedActions) -> None:
    """A task is submitted alone, and then as many as allowed, although more could run."""
    three = threading.Barrier(3, timeout=20)
    applied.during = lambda name: None if name in "ae" else three.wait()
    planned = make_plan(policy(), *(replacement(name) for name in "abcde"))
    with ThreadPoolExecutor(8) as executor:
        assert apply(planned, policy(), executor=executor).counts == {"done": 5}
    assert applied.begun[0] == "a"
    assert applied.most_at_once == 3


@pytest.mark.parametrize("outcome", ["refused", "unchanged", "failed"])
def test_next_replacement_is_alone_until_one_is_done(applied: AppliedActions, outcome: Any) -> None:
    for name in "ab":
        applied.outcomes[name] = ActionResult(
            action=replacement(name), outcome=outcome, is_protected=True
        )
    three = threading.Barrier(3, timeout=20)
    applied.during = lambda name: None if name in "abc" else three.wait()
    planned = make_plan(policy(), *(replacement(name) for name in "abcdef"))
    seen: list[int] = []
    report = apply(planned, policy(), on_start=lambda _: seen.append(applied.running))
    assert report.counts == {outcome: 2, "done": 4}
    assert seen[:4] == [0, 0, 0, 0]
    assert applied.begun[:3] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("is_protected", "state"), [(False, "is without"), (None, "may be without")]
)
def test_no_replacement_after_one_that_left_a_gap(
    applied: AppliedActions,
    is_protected: bool | None,  # noqa: FBT001
    state: str,
) -> None:
    applied.fail("b", is_protected=is_protected)
    both, gap = threading.Barrier(3, timeout=20), threading.Event()

    def wait(name: str) -> None:
        """Let c and d be in progress when b fails, and end afterwards."""
        if name in "bcd":
            both.wait()
        if name in "cd":
            gap.wait(20)

    applied.during = wait
    names = [replacement(name) for name in "abcdefgh"]
    report = apply(
        make_plan(policy(), *names, action("start", "s")),
        policy(),
        on_event=lambda result: gap.set() if result.outcome == "failed" else None,
    )
    found = outcomes(report.results)
    assert found["b"] == "failed"
    assert [found[name] for name in "acds"] == ["done"] * 4
    assert [found[name] for name in "efgh"] == ["not_attempted"] * 4
    message = str(report.results[-2].message)  # of h
    assert f":db:b {state} a replication after its replacement failed" in message
    assert not report.interrupted


@pytest.mark.parametrize("has_executor", [False, True])
def test_first_replacement_that_raises_ends_them(
    applied: AppliedActions, *, has_executor: bool
) -> None:
    """An unexpected error, or a lost worker, leaves the outcome unknown."""
    applied.outcomes["a"] = RuntimeError("lost")
    planned = make_plan(policy(), *(replacement(name) for name in "abc"))
    report = apply(planned, policy(), executor=Immediate() if has_executor else None)
    assert outcomes(report.results) == {
        "a": "failed",
        "b": "not_attempted",
        "c": "not_attempted",
    }
    assert applied.begun == ["a"]


def test_each_replacement_is_a_task_of_an_executor(applied: AppliedActions) -> None:
    executor = Immediate()
    starts = [action("start", name) for name in "xy"]
    planned = make_plan(policy(), *starts, *(replacement(name) for name in "abc"))
    assert apply(planned, policy(), executor=executor).counts == {"done": 5}
    assert executor.tasks == [2, 1, 1, 1]
    assert sorted(applied.begun[:2]) == ["x", "y"]


def test_executor_that_is_shut_down_leaves_no_gap(applied: AppliedActions) -> None:
    """A replacement that the executor refuses has stopped nothing, so the others are tried."""
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    planned = make_plan(policy(), *(replacement(name) for name in "abc"))
    report = apply(planned, policy(), executor=executor)
    assert report.counts == {"failed": 3}
    assert all(result.is_protected for result in report.results)
    assert applied.begun == []
