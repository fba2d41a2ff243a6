"""Tests of the built package: its metadata, and its use from a zip file and in frozen programs."""

import os
import re
import subprocess
import sys
import zipfile
from importlib.metadata import Distribution, distributions
from modulefinder import ModuleFinder
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from .package import PACKAGE, ROOT

pytestmark = pytest.mark.once

PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
PIN = re.compile(r"[\w.-]+==[\w.]+( ; [\w. '*!=<>()]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the package with the installed tools."""
    folder = tmp_path_factory.mktemp("wheel")
    code = "import sys; from hatchling.build import build_wheel; build_wheel(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, folder], cwd=ROOT, check=True)  # noqa: S603  # the code of this test
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def built(wheel: Path) -> Distribution:
    (found,) = distributions(path=[str(wheel)])
    return found


def urls_of(built: Distribution) -> dict[str, str]:
    """Return the project's URLs by their labels."""
    entries = built.metadata.get_all("Project-URL") or []
    return dict(re.findall(r"^(\w+), (\S+)$", "\n".join(entries), re.MULTILINE))


def links_of(markdown: str) -> list[str]:
    """Return the targets of all links."""
    tokens = MarkdownIt().parse(markdown)
    inline = [child for token in tokens for child in token.children or ()]
    return [str(child.attrGet("href")) for child in inline if child.attrGet("href")]


def images_of(markdown: str) -> list[str]:
    """Return the targets of all images, which are HTML because they have dark variants."""
    assert "![" not in markdown
    return re.findall(r'\b(?:src|srcset)="([^"]+)"', markdown)


def test_long_description_links_lead_to_existing_files(built: Distribution) -> None:
    source, tag = urls_of(built)["Source"], f"v{built.version}"
    description, readme = built.metadata["Description"], (ROOT / "README.md").read_text("utf-8")
    for targets_of, kind in ((links_of, "blob"), (images_of, "raw")):
        targets = targets_of(description)
        assert len(targets) == len(targets_of(readme)) > 1
        for target in targets:
            path = target.removeprefix(f"{source}/{kind}/{tag}/")
            if path == target:
                assert target.startswith(("#", "https://"))
            else:
                assert (ROOT / path).is_file(), target


def test_picture_is_the_same_in_light_and_dark() -> None:
    images = [
        (ROOT / path).read_text("utf-8")
        for path in images_of((ROOT / "README.md").read_text("utf-8"))
    ]
    shapes = {re.sub("#[0-9a-f]{6}", "color", image) for image in images}
    assert (len(images), len(shapes), len(set(images))) == (2, 1, 2)


def anchors_of(page: Path) -> set[str]:
    """Return the anchors that GitHub and MyST give to the headings of a page."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    explicit = re.findall(r"^\(([\w-]+)\)=$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings} | {
        *explicit
    }


def test_page_links_lead_to_files_and_headings() -> None:
    for page in PAGES:
        for link in links_of(page.read_text(encoding="utf-8")):
            if link.startswith("https://"):
                continue
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            assert target.is_file(), (page.name, link)
            assert not anchor or anchor in anchors_of(target), (page.name, link)


def test_project_urls_and_pages_agree_on_host(built: Distribution) -> None:
    """Check that nothing but the table in pyproject.toml must change with the host."""
    urls = urls_of(built)
    assert urls.keys() == {"Homepage", "Source", "Documentation", "Changelog", "Issues"}
    source = urls["Source"]
    for url in urls.values():
        assert f"{url}/".startswith(f"{source}/")
        path = url.partition("/blob/main/")[2]
        assert not path or (ROOT / path).is_file()
    for page in PAGES:
        for link in links_of(page.read_text(encoding="utf-8")):
            assert "github.com" not in link or f"{link}/".startswith(f"{source}/"), (page, link)


def test_extra_all_contains_every_extra(built: Distribution) -> None:
    extras: dict[str, set[str]] = {}
    for line in built.requires or ():
        # A requirement may have a marker of its own: x; (python_version < '3.11') and extra == 'y'
        if match := re.fullmatch(r"""(.+?) ?(?:;|and) extra == ['"](\w+)['"]""", line):
            extras.setdefault(match[2], set()).add(match[1])
    everything = extras.pop("all")
    assert extras.keys() >= {"async", "cli", "fleet", "sandbox", "types"}
    assert everything == set[str]().union(*extras.values())


def test_pins_name_no_package_index() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            assert PIN.fullmatch(line), f"{path.name}: {line}"


def run_from_zip(wheel: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the package in a zip file that contains the modules and nothing else."""
    archive = folder / "modules.zip"
    with zipfile.ZipFile(wheel) as source, zipfile.ZipFile(archive, "w") as modules:
        for name in source.namelist():
            if name.endswith(".py"):
                modules.writestr(name, source.read(name))
    return subprocess.run(  # noqa: S603  # the code of these tests
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(archive)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_report_renders_from_modules_in_a_zip(wheel: Path, tmp_path: Path) -> None:
    code = (
        "from datetime import datetime, timezone\n"
        "from rds_backup_replication import fleet\n"
        "report = fleet.AuditReport(audited_at=datetime.now(timezone.utc), records=())\n"
        "print(fleet.__file__, fleet.render_html(report))\n"
    )
    ran = run_from_zip(wheel, tmp_path, "-c", code)
    assert ran.stderr == ""
    assert ran.stdout.startswith(str(tmp_path / "modules.zip"))
    assert ".verdict {" in ran.stdout
    assert '"use strict";' in ran.stdout


def test_program_runs_from_modules_in_a_zip(wheel: Path, tmp_path: Path) -> None:
    ran = run_from_zip(wheel, tmp_path, "-m", PACKAGE, "--version")
    assert (ran.stdout.split()[0], ran.stderr) == ("rds-backup-replication", "")


def test_package_module_names_missing_extra() -> None:
    code = (
        "import runpy, sys\n"
        "sys.modules['typer'] = None\n"
        f"runpy.run_module({PACKAGE!r}, run_name='__main__')\n"
    )
    ran = subprocess.run(  # noqa: S603  # the code of this test
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert ran.stderr == (
        "Error: The module typer is missing. Run: pip install 'rds-backup-replication[cli]'\n"
    )


def test_modules_are_found_without_running(tmp_path: Path) -> None:
    """Check that the package imports no module only by a name in a string.

    PyInstaller and similar tools collect the modules that import statements name.
    """
    program = tmp_path / "program.py"
    folders = [path.parent.name for path in (ROOT / PACKAGE).glob("*/__init__.py")]
    packages = [name for name in folders if not name.startswith("_")]
    program.write_text("".join(f"import {PACKAGE}.{name}\n" for name in packages))
    finder = ModuleFinder(path=[str(ROOT)])  # which finds no other packages
    finder.run_script(str(program))
    modules = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / PACKAGE).rglob("*.py")
        if path.name not in ("__main__.py", "lambda_handler.py", "plugin.py")  # entry points
    }
    assert modules <= finder.modules.keys()
