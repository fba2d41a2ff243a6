"""Mutation testing with mutmut: the share of mutants that the tests kill, for `make mutate`.

mutmut forks a process that has already imported everything, so it cannot mutate code that runs
at import time. The script therefore tests each survivor again in a new process, with the tests of
what imports create. The exit code is 1 if too many mutants survive.
"""

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

MINIMUM_KILLED = 0.9
IMPORT_TESTS = [
    f"tests/test_{name}.py"
    for name in ("public_api", "service_contract", "models", "messages", "session")
]
KILLED = ("killed", "timeout", "segfault")


def mutmut(*arguments: str) -> str:
    """Run mutmut and return its output."""
    result = subprocess.run(  # noqa: S603  # the arguments are fixed
        [sys.executable, "-m", "mutmut", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return result.stdout


def is_killed_at_import(mutant: str) -> bool:
    """Return whether the import tests fail, or pytest fails to import conftest.py."""
    pytest = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *IMPORT_TESTS]
    result = subprocess.run(  # noqa: S603  # the arguments are fixed
        pytest,
        cwd="mutants",
        env=os.environ | {"MUTANT_UNDER_TEST": mutant},
        capture_output=True,
        check=False,
    )
    return result.returncode != 0


def main() -> None:
    workers = os.cpu_count() or 1
    subprocess.run(  # noqa: S603  # the arguments are fixed
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers)], check=True
    )
    lines = (line.strip().partition(": ") for line in mutmut("results", "--all", "1").splitlines())
    statuses = {mutant: status for mutant, _, status in lines if status}
    survivors = [mutant for mutant, status in statuses.items() if status not in KILLED]
    if is_killed_at_import("none"):
        sys.exit("The tests fail without any mutation")
    with ThreadPoolExecutor(workers) as pool:
        at_import = dict(zip(survivors, pool.map(is_killed_at_import, survivors), strict=True))
    survivors = [mutant for mutant in survivors if not at_import[mutant]]
    killed = len(statuses) - len(survivors)
    print("\n".join(survivors))
    print(Counter(mutant.rpartition("__mutmut_")[0] for mutant in survivors))
    print(
        f"{len(statuses):,} mutants, {killed:,} killed ({killed / len(statuses):.1%}), "
        f"{sum(at_import.values())} of them at import; {len(survivors)} survived"
    )
    if killed < MINIMUM_KILLED * len(statuses):
        sys.exit(1)


if __name__ == "__main__":
    main()
