"""Builds the package twice, and says whether the two are the same and hold what they should.

What was built lies in the folder given: `python -m tests.package dist`. Needs git and `build`.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parent.parent
PACKAGE = "rds_backup_replication"
# Only the repository needs them; the tests and `make check` do not.
NOT_IN_SDIST = (".ci", ".editorconfig", ".github", ".pre-commit-config.yaml")
DIST_INFO = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


def git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(  # noqa: S603  # our own arguments
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def build(source: Path, out: Path) -> dict[str, str]:
    """The hashes of what is built, by name."""
    # The time of the commit, so that whoever builds it gets the same.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct").strip()}
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    ran = subprocess.run(  # noqa: S603  # our own arguments
        command, env=environment, check=False, capture_output=True, text=True
    )
    if ran.returncode:
        sys.exit(ran.stdout + ran.stderr)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}


def differences(what: str, found: Iterable[str], wanted: Iterable[str]) -> list[str]:
    found, wanted = set(found), set(wanted)
    surplus = [f"{what} holds {name}, which it should not" for name in sorted(found - wanted)]
    return surplus + [f"{what} lacks {name}" for name in sorted(wanted - found)]


def main(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    tracked = git("ls-files").splitlines()
    first = build(ROOT, out)
    with tempfile.TemporaryDirectory() as folder:
        # Another place, other times, and other permissions.
        copy = Path(folder) / "copy"
        for name in tracked:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
            (copy / name).chmod(0o600)
        second = build(copy, Path(folder) / "out")
    mistakes = [f"{name} differs when it is built again" for name in first.items() ^ second.items()]

    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    dist_info = next(name for name in names if ".dist-info/" in name).partition("/")[0]
    wanted = [name for name in tracked if name.startswith(f"{PACKAGE}/")]
    wanted += [f"{dist_info}/{name}" for name in DIST_INFO]
    mistakes += differences("the wheel", names, wanted)

    with tarfile.open(next(out.glob("*.tar.gz"))) as sdist:
        names = [str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in sdist.getnames()]
    wanted = [name for name in tracked if PurePosixPath(name).parts[0] not in NOT_IN_SDIST]
    mistakes += differences("the sdist", names, [*wanted, "PKG-INFO"])

    lines = mistakes or [f"sha256:{value}  {out / name}" for name, value in sorted(first.items())]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(mistakes))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
