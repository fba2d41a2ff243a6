"""A script that checks whether this commit can be published as the version that it names.

`python -m tests.release dist` checks the archives in the folder `dist`, which `tests.package` has
built. The script installs them into clean environments, so it needs a package index.

The library packaging validates the metadata, as `twine check --strict` does. What twine does beyond
that, rendering reStructuredText, does not apply to a description in Markdown.
"""

import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from datetime import date, datetime, timezone
from pathlib import Path

from packaging.metadata import Metadata
from packaging.version import Version
from trove_classifiers import classifiers

from rds_backup_replication import __version__

from .package import ROOT, git

SECTIONS = ("Security", "Removed", "Deprecated", "Changed", "Added", "Fixed")
_RELEASE = re.compile(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)")
_UNLINKED = re.compile(r"""\]\((?!#|\w+:)|\b(?:src|srcset)="(?!\w+:)""")


def check_changelog(text: str, version: str, today: date) -> list[str]:
    """Return what is wrong with the changelog of a version."""
    title, *entries = re.split(r"^## ", text, flags=re.MULTILINE)
    errors: list[str] = [] if title.startswith("# Changelog\n") else ["it has no title"]
    if entries and entries[0].strip() == "[Unreleased]":
        entries = entries[1:]
    released: list[tuple[Version, date]] = []
    for entry in entries:
        heading, _, body = entry.partition("\n")
        match = _RELEASE.fullmatch(heading)
        if match is None:
            errors.append(f"{heading!r} must be a version and a date: [1.2.3] - 2026-01-31")
            continue
        released.append((Version(match[1]), date.fromisoformat(match[2])))
        sections = re.findall(r"^### (.*)$", body, re.MULTILINE)
        if not sections or sections != [name for name in SECTIONS if name in sections]:
            errors.append(f"{match[1]} must have sections in the order {', '.join(SECTIONS)}")
    if not released or str(released[0][0]) != version:
        errors.append(f"the first entry must be that of {version}")
    if released != sorted(released, reverse=True) or len(dict(released)) < len(released):
        errors.append("the newest version must come first, and each version once")
    if any(day > today for _, day in released):
        errors.append("no date may be in the future")
    return [f"CHANGELOG.md: {error}" for error in errors]


def check_tags(version: str, here: Iterable[str], everywhere: Iterable[str]) -> list[str]:
    """Return what is wrong with the tags of this commit, and with those of the repository."""
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        return [f"version {version}: must have three numbers, such as 1.2.3"]
    wanted, here = f"v{version}", set(here)
    errors = [f"tag {tag}: the tag of this version is {wanted}" for tag in here - {wanted}]
    if wanted in {*everywhere} - here:
        errors.append(f"tag {wanted}: another commit has it; raise the version")
    return errors


def check_metadata(content: bytes, version: str) -> list[str]:
    """Return what a package index would refuse, or would show in a wrong way."""
    try:
        metadata = Metadata.from_email(content, validate=True)
    except Exception as error:  # noqa: BLE001  # a group of errors, whose class Python 3.10 lacks
        group: Iterable[object] = getattr(error, "exceptions", [error])
        return [f"metadata: {each}" for each in group]
    errors = [
        f"classifier {name!r} does not exist"
        for name in metadata.classifiers or ()
        if name not in classifiers
    ]
    if str(metadata.version) != version:
        errors.append(f"version {metadata.version} must be {version}")
    if metadata.description_content_type != "text/markdown" or not metadata.description:
        errors.append("the description must be Markdown")
    errors += [
        f"the description has a relative link at character {match.start()}"
        for match in _UNLINKED.finditer(metadata.description or "")
    ]
    return [f"metadata: {error}" for error in errors]


def read_metadata(archive: Path) -> bytes:
    """Return the metadata in a wheel or source distribution."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            (name,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
            return wheel.read(name)
    with tarfile.open(archive) as sdist:
        found = sdist.extractfile(f"{archive.name.removesuffix('.tar.gz')}/PKG-INFO")
        assert found is not None
        return found.read()


def run(folder: Path, *command: str | Path) -> str:
    """Run a command outside the checkout, and return its output."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    result = subprocess.run(  # noqa: S603  # the commands of this script
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )
    if result.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{result.stdout}{result.stderr}")
    return result.stdout


def install(folder: Path, requirement: str) -> Path:
    """Install a requirement into a clean environment, and return the environment's programs."""
    run(folder, sys.executable, "-m", "venv", "--without-pip", "env")
    bin_folder = folder / "env" / ("Scripts" if os.name == "nt" else "bin")
    pip = (sys.executable, "-m", "pip", "--python", bin_folder / "python", "--quiet")
    run(folder, *pip, "install", "--disable-pip-version-check", requirement)
    return bin_folder


def try_out(wheel: Path, sdist: Path) -> list[str]:
    """Return what does not work in clean environments: the client alone, and all extras."""
    with tempfile.TemporaryDirectory() as bare, tempfile.TemporaryDirectory() as full:
        programs = install(Path(bare), str(wheel.absolute()))
        code = "import rds_backup_replication as r; r.BackupReplicationClient; print(r.__version__)"
        printed = [run(Path(bare), programs / "python", "-c", code).strip()]
        programs = install(Path(full), f"rds-backup-replication[all] @ {sdist.absolute().as_uri()}")
        command = programs / "rds-backup-replication"
        printed.append(run(Path(full), command, "--version").split()[1])
        (Path(full) / "demo.py").write_bytes((ROOT / "docs/demo.py").read_bytes())
        run(Path(full), programs / "python", "demo.py")
    return [f"{text} was installed instead of {__version__}" for text in {*printed} - {__version__}]


def main(dist: Path) -> None:
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    here, everywhere = git("tag", "--points-at", "HEAD"), git("tag")
    errors = [
        *check_changelog(changelog, __version__, datetime.now(timezone.utc).date()),
        *check_tags(__version__, here.split(), everywhere.split()),
        *check_metadata(read_metadata(wheel), __version__),
    ]
    if read_metadata(wheel) != read_metadata(sdist):
        errors.append("metadata: the wheel and the sdist differ")
    errors += try_out(wheel, sdist)
    lines = errors or [f"{__version__} can be published: tag v{__version__}"]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.exit(bool(errors))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
