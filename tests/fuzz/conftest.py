"""Add up the figures of all workers, and print them."""

from typing import Any

import pytest

from .figures import FIGURES

_MUST_BE_ZERO = ("requests sent by refused calls", "exceptions outside the contract")


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)  # only workers of pytest-xdist have one
    if output is not None:
        output["figures"] = dict(FIGURES)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    FIGURES.update(getattr(node, "workeroutput", {}).get("figures", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not FIGURES:
        return
    terminalreporter.section("fuzzing")
    for name, count in sorted(FIGURES.items()):
        if name not in _MUST_BE_ZERO:
            terminalreporter.line(f"{count:>12,} {name}")
    for name in _MUST_BE_ZERO:
        terminalreporter.line(f"{FIGURES[name]:>12,} {name}")
