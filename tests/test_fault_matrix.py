"""Every method under every fault keeps its promises."""

from collections.abc import Iterator

import pytest

from .fault_matrix._contract import broken_promises
from .fault_matrix._faults import classes_without_a_fault
from .fault_matrix._methods import METHODS, Method, methods_without_a_row
from .fault_matrix._run import Bench, bench

pytestmark = pytest.mark.matrix


@pytest.fixture(scope="module")
def clients() -> Iterator[Bench]:
    with bench() as made:
        yield made


def test_every_method_and_every_class_of_refusal_has_its_place() -> None:
    assert methods_without_a_row() == set()
    assert classes_without_a_fault() == set()


def test_the_matrix_is_whole(clients: Bench) -> None:
    cells = [len(list(clients.cells(method))) for method in METHODS]
    assert min(cells) > 20
    assert sum(cells) > 1_000


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.heading)
def test_a_method_keeps_its_promises_under_every_fault(clients: Bench, method: Method) -> None:
    assert list(broken_promises(clients, method)) == []
