"""Child processes, which are measured as a whole or measure something themselves."""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .measure import Pair

ROOT = Path(__file__).parent.parent
ENVIRONMENT = Path(sys.prefix)
_REMOVED_PREFIXES = ("AWS_", "BOTO", "COVERAGE", "PYTHON")


def environment() -> dict[str, str]:
    """Return the environment variables for a child process.

    They are those of this process without the settings of AWS, proxies and Python, so that no
    credentials of the machine are used, and Python writes and uses bytecode.
    """
    missing_file = str(ENVIRONMENT / "no-such-file")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(_REMOVED_PREFIXES) and not name.upper().endswith("_PROXY")
    }
    return kept | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": missing_file,
        "AWS_SHARED_CREDENTIALS_FILE": missing_file,
    }


class ChildError(Exception):
    """A failure of a child process, with its standard error."""


@dataclass(frozen=True)
class Children:
    """Child processes of one Python, and the server that they use."""

    endpoint_url: str
    python: str = sys.executable

    def cold(self, side: str) -> float:
        """Return how many seconds a whole process takes to print the first backup's status."""
        script = ROOT / "benchmarks" / "scripts" / f"cold_{side.replace('-', '_')}.py"
        started = time.perf_counter()
        printed = self.run(str(script), self.endpoint_url)
        seconds = time.perf_counter() - started
        if printed != "replicating":
            raise AssertionError(printed)
        return seconds

    def fresh(self, side: str, task: str) -> float:
        """Return what a new process measures."""
        return float(self._main("fresh", side, task))

    def warm(self, one: tuple[str, str], other: tuple[str, str], rounds: int) -> list[Pair]:
        """Return the pairs of two sides, which alternate in one process.

        Each side is the name of a library and a task.
        """
        printed = self._main("warm", *one, *other, str(rounds))
        return [(one, other) for one, other in json.loads(printed)]

    def starts(self, task: str, rounds: int) -> list[Pair]:
        """Return the pairs of the async client and the sync one."""
        return [(one, other) for one, other in json.loads(self._main("starts", task, str(rounds)))]

    def counts(self) -> dict[str, int]:
        """Return how many API calls each method makes that is built of several."""
        counts: dict[str, int] = json.loads(self._main("counts"))
        return counts

    def _main(self, script: str, *arguments: str) -> str:
        # `python -m` would itself import modules, whose time would then not be measured.
        code = f"from benchmarks.scripts.{script} import main; main()"
        return self.run("-c", code, *arguments)

    def run(self, *arguments: str) -> str:
        """Run Python with these arguments, and return what it prints."""
        result = subprocess.run(
            [self.python, *arguments],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise ChildError(result.stderr)
        return result.stdout.strip()
