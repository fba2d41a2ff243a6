"""The fault matrix: every method keeps its documented promises under every fault."""

from collections.abc import Iterator

import pytest

from .fault_matrix._contract import find_broken_promises
from .fault_matrix._faults import list_classes_without_fault
from .fault_matrix._methods import METHODS, Method, list_methods_without_entry
from .fault_matrix._run import Bench, open_bench

pytestmark = pytest.mark.matrix


@pytest.fixture(scope="module")
def clients() -> Iterator[Bench]:
    with open_bench() as made:
        yield made


def test_matrix_is_complete() -> None:
    """Every public method and every error class occurs in the matrix."""
    assert list_methods_without_entry() == set()
    assert list_classes_without_fault() == set()


def test_matrix_size(clients: Bench) -> None:
    """The matrix has many cells, so that an empty one cannot pass unnoticed."""
    cells = [len(list(clients.cells(method))) for method in METHODS]
    assert min(cells) > 20
    assert sum(cells) > 1_000


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.heading)
def test_method_under_every_fault(clients: Bench, method: Method) -> None:
    assert list(find_broken_promises(clients, method)) == []
