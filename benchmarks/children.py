"""The processes that are measured, or measure."""

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
_FOREIGN = ("AWS_", "BOTO", "COVERAGE", "PYTHON")


def environment() -> dict[str, str]:
    """The machine's, without what has to do with AWS, with proxies or with Python.

    So no credentials get in, and bytecode is written and used.
    """
    nowhere = str(ENVIRONMENT / "no-such-file")
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith(_FOREIGN) and not name.upper().endswith("_PROXY")
    }
    return kept | {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": nowhere,
        "AWS_SHARED_CREDENTIALS_FILE": nowhere,
    }


class ChildError(Exception):
    """A child failed; what it said."""


@dataclass(frozen=True)
class Children:
    """Processes of one Python, and the server that they may ask."""

    endpoint_url: str
    python: str = sys.executable

    def cold(self, side: str) -> float:
        """Seconds of a whole process that gets the first backup's status."""
        script = ROOT / "benchmarks" / "scripts" / f"cold_{side.replace('-', '_')}.py"
        started = time.perf_counter()
        printed = self.run(str(script), self.endpoint_url)
        taken = time.perf_counter() - started
        if printed != "replicating":
            raise AssertionError(printed)
        return taken

    def fresh(self, side: str, what: str) -> float:
        """What a fresh process measured."""
        return float(self._main("fresh", side, what))

    def warm(self, one: tuple[str, str], other: tuple[str, str], rounds: int) -> list[Pair]:
        """Two sides in turns in one process: each is a name and a task."""
        printed = self._main("warm", *one, *other, str(rounds))
        return [(one, other) for one, other in json.loads(printed)]

    def counts(self) -> dict[str, int]:
        """API calls of what is built on them."""
        counts: dict[str, int] = json.loads(self._main("counts"))
        return counts

    def _main(self, script: str, *arguments: str) -> str:
        # Not with -m, whose own imports would be missing from what is measured.
        code = f"from benchmarks.scripts.{script} import main; main()"
        return self.run("-c", code, *arguments)

    def run(self, *arguments: str) -> str:
        """What a process of these arguments prints."""
        done = subprocess.run(
            [self.python, *arguments],
            cwd=ROOT,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ChildError(done.stderr)
        return done.stdout.strip()
