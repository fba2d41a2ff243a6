"""How many wrong programs the tests would catch, by mutmut: for `make mutate`.

mutmut forks from a process that has imported everything, and so cannot change what runs
at import alone. What survives is therefore tried again, each in a process of its own, by
the tests of what importing makes. Exits with 1 if too many survive.
"""

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

AT_LEAST = 0.9
OF_IMPORTS = [
    f"tests/test_{name}.py"
    for name in ("public_api", "service_contract", "models", "messages", "session")
]
KILLED = ("killed", "timeout", "segfault")


def mutmut(*arguments: str) -> str:
    """What it prints."""
    ran = subprocess.run(  # noqa: S603  # our own arguments
        [sys.executable, "-m", "mutmut", *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return ran.stdout


def is_killed_at_import(mutant: str) -> bool:
    """Whether those tests fail; if conftest.py cannot be imported, pytest ends with 4."""
    pytest = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *OF_IMPORTS]
    ran = subprocess.run(  # noqa: S603  # our own arguments
        pytest,
        cwd="mutants",
        env=os.environ | {"MUTANT_UNDER_TEST": mutant},
        capture_output=True,
        check=False,
    )
    return ran.returncode != 0


def main() -> None:
    workers = os.cpu_count() or 1
    subprocess.run(  # noqa: S603  # our own arguments
        [sys.executable, "-m", "mutmut", "run", "--max-children", str(workers)], check=True
    )
    lines = (line.strip().partition(": ") for line in mutmut("results", "--all", "1").splitlines())
    status = {mutant: said for mutant, _, said in lines if said}
    left = [mutant for mutant, said in status.items() if said not in KILLED]
    if is_killed_at_import("none"):
        sys.exit("The tests fail where nothing is changed")
    with ThreadPoolExecutor(workers) as pool:
        at_import = dict(zip(left, pool.map(is_killed_at_import, left), strict=True))
    left = [mutant for mutant in left if not at_import[mutant]]
    killed = len(status) - len(left)
    print("\n".join(left))
    print(Counter(mutant.rpartition("__mutmut_")[0] for mutant in left))
    print(
        f"{len(status):,} mutants, {killed:,} killed ({killed / len(status):.1%}), "
        f"{sum(at_import.values())} of them at import; {len(left)} survived"
    )
    if killed < AT_LEAST * len(status):
        sys.exit(1)


if __name__ == "__main__":
    main()
