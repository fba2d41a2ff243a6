"""Tests that run the pages for newcomers, and check the page on symptoms and the navigation."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from rds_backup_replication import sandbox
from rds_backup_replication._botocore import errors
from rds_backup_replication.sandbox import Sandbox

from .test_docs_cli import Shell, stabilize
from .test_docs_pages import DOCS, SharedSandbox, blocks_of, read, run

pytestmark = pytest.mark.once

ORDERS = "arn:aws:rds:us-west-2:123456789012:db:orders"
PROD = [{"Key": "env", "Value": "prod"}]
SETUP = ("export ", "unset ", "pip ", "python", "rds-backup-replication sandbox ")
PAGES = sorted(path.stem for path in DOCS.glob("*.md"))
NEW_PAGES = ("faq", "from-boto3", "from-terraform", "how-it-works", "start", "troubleshooting")


def settle(output: str) -> str:
    """Return an output without the indentation of a list, and without the order of actions."""
    output = re.sub(r"^   (?=\S)", "", output, flags=re.MULTILINE)
    return re.sub(r"(\d of \d: done start) \S+", r"\1", output).rstrip()


def run_console(page: str, variables: dict[str, str]) -> None:
    """Run a page's command lines, and compare their output with the page's."""
    shell = Shell(variables)
    for block in re.findall(r"^ *```console\n(.*?)^ *```$", read(page), re.DOTALL | re.MULTILINE):
        for step in re.split(r"^ *\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = step.partition("\n")
            if not line.startswith(SETUP):
                assert settle(stabilize(shell.run(line))) == settle(output), line


@pytest.fixture
def shell_sandbox(rds_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandbox:
    """Return a sandbox for commands that run in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)  # a worker of pytest-xdist has one
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return rds_sandbox


def test_index_example_runs(rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    run("index", rds_sandbox, capsys)


def test_sandbox_page_examples_run(
    rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def share(behavior: sandbox.Behavior | None = None) -> SharedSandbox:
        rds_sandbox.behavior = behavior or sandbox.Behavior()
        return SharedSandbox(rds_sandbox)

    monkeypatch.setattr(sandbox, "Sandbox", share)
    assert len(run("sandbox", rds_sandbox, capsys)) == 7


def test_from_boto3_examples_run(rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str]) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    assert len(run("from-boto3", rds_sandbox, capsys)) == 11


def test_how_it_works_example_runs(
    rds_sandbox: Sandbox, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox, "Sandbox", lambda: SharedSandbox(rds_sandbox))
    run("how-it-works", rds_sandbox, capsys)


def test_from_terraform_commands_run(shell_sandbox: Sandbox) -> None:
    (policy,) = (text for language, text in blocks_of("from-terraform") if language == "yaml")
    Path("policy.yaml").write_text(policy, encoding="utf-8")
    shell_sandbox.create_db_instance("us-west-2", "orders")
    client = shell_sandbox.client("us-east-1")
    client.ensure_replication(source_db_instance_arn=ORDERS, backup_retention_period=14)
    client.wait_until_replicating(source_db_instance_arn=ORDERS)
    run_console("from-terraform", {})


def write_policy() -> None:
    """Write the first example of the page on policies into the current directory."""
    policy = next(text for language, text in blocks_of("policy") if language == "yaml")
    Path("policy.yaml").write_text(policy, encoding="utf-8")


def test_policy_command_runs(shell_sandbox: Sandbox) -> None:
    write_policy()
    shell_sandbox.create_db_instance("us-west-2", "orders", Tags=PROD)
    shell_sandbox.create_db_instance("us-west-2", "tmp-1")
    shell_sandbox.create_db_instance("eu-west-1", "web")
    run_console("policy", {})


def test_fleet_commands_run(shell_sandbox: Sandbox) -> None:
    write_policy()
    for name in ("orders", "customers"):
        shell_sandbox.create_db_instance("us-west-2", name, Tags=PROD)
    run_console("fleet", {})


def test_from_terraform_names_match_the_policy() -> None:
    """The retention, the Regions and the instance of all blocks are the same."""
    page = read("from-terraform")
    assert f'source_db_instance_arn = "{ORDERS}"' in page
    assert set(re.findall(r"retention_period\s*[=:] (\d+)", page)) == {"14"}
    resource = "aws_db_instance_automated_backups_replication"
    assert f'resource "{resource}" "orders"' in page
    assert f"from = {resource}.orders\n" in page


def test_troubleshooting_commands_run(shell_sandbox: Sandbox) -> None:
    shell_sandbox.create_db_instance("us-west-2", StorageEncrypted=True, BackupRetentionPeriod=0)
    (arn,) = re.findall(r"SOURCE=(\S+)", read("troubleshooting"))
    run_console("troubleshooting", {"SOURCE": arn})


def test_troubleshooting_has_every_message_with_a_hint() -> None:
    page = re.sub(r"\s+", " ", read("troubleshooting")).lower()
    hints: dict[tuple[type, str], str] = vars(errors)["_HINTS"]
    for kind, part in hints:
        assert (part or re.sub("(Fault|Error)$", "", kind.__name__)).lower() in page


def test_errors_page_lists_every_hint() -> None:
    section = read("errors").partition("\n## Hints\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if re.match(r"\| `?\w+`? \|", line)]
    hints: dict[tuple[type, str], str] = vars(errors)["_HINTS"]
    assert rows[1:] == [
        f"| `{kind.__name__}` | {f'`{part}`' if part else 'any text'} | {hint} |"
        for (kind, part), hint in hints.items()
    ]


def test_navigation_has_every_page_in_four_groups() -> None:
    index = read("index")
    groups = re.findall(r"```\{toctree\}\n:hidden:\n:caption: (.+)\n\n([^`]+)```", index)
    assert [caption for caption, _ in groups] == ["Get started", "Guides", "Reference", "About"]
    listed = [page for _, pages in groups for page in pages.split()]
    assert len(listed) == len(set(listed))
    assert {*PAGES, "decisions"} == {*listed, "index", "decisions"}


@pytest.mark.parametrize("page", PAGES)
def test_blocks_name_their_language(page: str) -> None:
    """A block without a language gets no colors, and its copy button would copy prompts."""
    fences = re.findall(r"^ *```(.*)$", read(page), re.MULTILINE)
    assert all(fences[::2])
    assert not any(fences[1::2])


@pytest.mark.parametrize("page", NEW_PAGES)
def test_page_says_what_is_next(page: str) -> None:
    assert re.search(r"^\*\*Next:\*\* .+\]\(\w[\w-]*\.md", read(page), re.MULTILINE)


def test_start_page_waits_print_each_poll() -> None:
    """A wait without output looks like a program that hangs."""
    waits = re.findall(r"wait_until_\w+\((.*?)^\)", read("start"), re.DOTALL | re.MULTILINE)
    assert len(waits) == 2
    assert all("on_poll=show" in wait and "seconds=1" in wait for wait in waits)


def test_diagram_is_self_contained() -> None:
    """A browser loads nothing else for an image, and screen readers need a title."""
    path = DOCS / "images/life-of-a-replication.svg"
    root = ElementTree.parse(path).getroot()  # noqa: S314  # the project's own file
    texts: list[str] = [text.strip() for text in root.itertext()]
    for status in ("pending", "replicating", "retained", "deleting"):
        assert status in texts
    names: list[Any] = [name for each in root.iter() for name in each.attrib]
    assert not [name for name in names if name.rpartition("}")[2] in ("href", "src")]
    assert "@media (prefers-color-scheme: dark)" in path.read_text(encoding="utf-8")
    assert f"](images/{path.name})" in read("how-it-works")


def headings_of(page: str) -> set[str]:
    """Return the anchors that the headings of a page get."""
    text = re.sub(r"^```.*?^```$", "", read(page), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_pages_and_headings(page: str) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", read(page)):
        name, _, anchor = target.partition("#")
        if name.startswith(("https://", "images/")):
            continue
        name = name.removesuffix(".md") or page
        assert name in (*PAGES, "decisions"), target
        assert not anchor or anchor in headings_of(name), target
