"""Tests of the GitHub workflows and the Makefile: pinned tools, and rights to publish."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[1]
# The source distribution has no workflows.
WORKFLOWS = {
    path.name: path.read_text(encoding="utf-8")
    for path in (ROOT / ".github" / "workflows").glob("*.yml")
}


def jobs() -> dict[str, dict[str, Any]]:
    """Return the jobs by the names of their workflows and their own names."""
    return {
        f"{file}:{name}": job
        for file, text in WORKFLOWS.items()
        for name, job in yaml.safe_load(text)["jobs"].items()
    }


def test_actions_are_pinned_by_commit() -> None:
    assert bool(WORKFLOWS) == (ROOT / ".github").exists()
    for file, text in WORKFLOWS.items():
        uses = re.findall(r"uses:\s*(.*)", text)
        assert uses
        for action in uses:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), (file, action)


def test_job_with_write_access_runs_no_commands() -> None:
    """Check that only one job may sign and publish, and that the job runs only actions."""
    for name, job in jobs().items():
        if "write" in str(job.get("permissions", "")):
            assert name == "release.yml:publish"
            assert not [step for step in job["steps"] if "run" in step]


def test_release_is_built_with_pinned_tools() -> None:
    """Check also that the release is published after every other job has passed."""
    released = {
        name.partition(":")[2]: job for name, job in jobs().items() if "release.yml" in name
    }
    for name, job in released.items():
        uploads = [step for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
        if "dist" in [step["with"]["name"] for step in uploads]:
            assert name == "build"
            commands = [step["run"] for step in job["steps"] if "run" in step]
            assert [command for command in commands if "make" in command] == ["make package"]
            assert not [command for command in commands if "pip" in command]
    if released:
        assert {*released["publish"]["needs"]} == released.keys() - {"publish"}


def test_installs_of_pip_and_tools_require_hashes() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", " ")
    for target in ("%/bin/python", "$(VENV)/check.stamp"):
        recipe = makefile.partition(f"\n{target}:")[2].partition("\n\n")[0]
        installs = re.findall(r"pip install (.*)", recipe)
        assert installs
        for arguments in installs:
            assert "--require-hashes" in arguments or "--no-deps --no-build-isolation" in arguments
