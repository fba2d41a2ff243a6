"""Every method under every fault keeps its promises, and the page says what comes of it."""

import re
from collections.abc import Iterator

import pytest

from .fault_matrix.__main__ import PAGE
from .fault_matrix._faults import classes_without_a_fault
from .fault_matrix._methods import METHODS, Method, methods_without_a_row
from .fault_matrix._page import introduction, section
from .fault_matrix._run import Bench, bench

pytestmark = pytest.mark.matrix

STORED = re.split(r"(?<=\n)\n(?=## `)", PAGE.read_text(encoding="utf-8"))
REMEDY = "make fault-matrix writes it anew"


@pytest.fixture(scope="module")
def clients() -> Iterator[Bench]:
    with bench() as made:
        yield made


def test_every_method_and_every_class_of_refusal_has_its_place() -> None:
    assert methods_without_a_row() == set()
    assert classes_without_a_fault() == set()


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.heading)
def test_a_method_keeps_its_promises_under_every_fault(clients: Bench, method: Method) -> None:
    text, broken = section(clients, method)
    assert broken == []
    assert text in STORED, REMEDY


def test_the_page_has_these_methods_and_no_others(clients: Bench) -> None:
    first, *sections = STORED
    assert first == introduction(clients), REMEDY
    assert [text.split("\n")[0] for text in sections] == [f"## {m.heading}" for m in METHODS]
