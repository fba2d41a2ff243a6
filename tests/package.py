"""A script that builds the package twice, and compares both builds and their files.

`python -m tests.package dist` builds into the folder `dist`. The script needs git and `build`.
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
# Only the repository needs these files, not the tests or `make check`.
NOT_IN_SDIST = (".ci", ".editorconfig", ".github", ".pre-commit-config.yaml")
DIST_INFO = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}


def git(*arguments: str) -> str:
    command = ["git", *arguments]
    return subprocess.run(  # noqa: S603  # the arguments are fixed
        command, cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout


def build(source: Path, out: Path) -> dict[str, str]:
    """Build the package, and return the hash of each built file by name."""
    # Archives contain a time. The time of the commit is the same in both builds.
    environment = {**os.environ, "SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct").strip()}
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(source)]
    result = subprocess.run(  # noqa: S603  # the arguments are fixed
        command, env=environment, check=False, capture_output=True, text=True
    )
    if result.returncode:
        sys.exit(result.stdout + result.stderr)
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in out.iterdir()}


def differences(archive: str, found: Iterable[str], wanted: Iterable[str]) -> list[str]:
    """Return one line for each surplus or missing file."""
    found, wanted = set(found), set(wanted)
    surplus = [f"{archive} contains {name}, but should not" for name in sorted(found - wanted)]
    return surplus + [f"{archive} lacks {name}" for name in sorted(wanted - found)]


def main(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    tracked = git("ls-files").splitlines()
    first = build(ROOT, out)
    with tempfile.TemporaryDirectory() as folder:
        # The copy differs in its path, times and permissions, which must not affect the build.
        copy = Path(folder) / "copy"
        for name in tracked:
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, copy / name)
            (copy / name).chmod(0o600)
        second = build(copy, Path(folder) / "out")
    errors = [f"{name} differs between the two builds" for name in first.items() ^ second.items()]

    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        names = wheel.namelist()
    dist_info = next(name for name in names if ".dist-info/" in name).partition("/")[0]
    wanted = [name for name in tracked if name.startswith(f"{PACKAGE}/")]
    wanted += [f"{dist_info}/{name}" for name in DIST_INFO]
    errors += differences("the wheel", names, wanted)

    with tarfile.open(next(out.glob("*.tar.gz"))) as sdist:
        names = [str(PurePosixPath(*PurePosixPath(name).parts[1:])) for name in sdist.getnames()]
    wanted = [name for name in tracked if PurePosixPath(name).parts[0] not in NOT_IN_SDIST]
    errors += differences("the sdist", names, [*wanted, "PKG-INFO"])

    lines = errors or [f"sha256:{value}  {out / name}" for name, value in sorted(first.items())]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(errors))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
