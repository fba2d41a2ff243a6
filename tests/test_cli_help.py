"""The help of each command, its examples, and the forms of a command line that users try first."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from rds_backup_replication.cli import app
from rds_backup_replication.cli._errors import ExitCode
from rds_backup_replication.cli._examples import EXAMPLES
from rds_backup_replication.cli._options import read_time
from rds_backup_replication.fleet._durations import parse_duration

from . import cli_cases
from .cli_cases import run
from .wire import SOURCE_ARN

pytestmark = pytest.mark.once

no_width = cli_cases.no_width
PROGRAM = "rds-backup-replication"


def walk(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield each command with its path, and each group before its commands."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, *path, name)


def examples_of(help_text: str) -> list[str]:
    """Return the command lines in the last part of a help text."""
    section = help_text.partition("\nExamples:\n")[2].partition("\n\nOptions and")[0]
    lines = re.findall(rf"^    ({PROGRAM} .*)$", section.replace(" \\\n       ", ""), re.MULTILINE)
    assert len(lines) == section.count(PROGRAM)
    return lines


def test_help_of_every_command_has_examples_that_parse() -> None:
    program = get_command(app)
    commands = dict(walk(program))
    seen: list[dict[str, Any]] = []

    def record(**values: Any) -> None:
        seen.append(values)

    for command in commands.values():
        command.callback = record
    for path, command in commands.items():
        lines = examples_of(run(*path, "--help").stdout)
        assert lines, path
        for line in lines:
            _, *words = shlex.split(re.split(r" [|>] ", line)[0])
            assert tuple(words[: len(path)]) == path
            seen.clear()
            program.main(args=words, prog_name=PROGRAM, standalone_mode=False)
            if hasattr(command, "commands"):
                continue
            for parameter in command.params:
                value = seen[-1].get(parameter.name)
                if value is not None and parameter.metavar == "DURATION":
                    parse_duration(value)
                if value is not None and parameter.metavar == "TIME":
                    read_time(value, parameter.opts[0])
    assert {" ".join(path) for path in commands} == {*EXAMPLES}


def test_help_has_no_words_of_python() -> None:
    for path, _ in walk(get_command(app)):
        help_text = run(*path, "--help").stdout
        assert not re.search(r"<(str|int|float|path)|range>|x>=|<=x|\bNone\b", help_text), path
        assert max(map(len, help_text.splitlines())) <= 80
        if path:
            assert f"Usage: {PROGRAM} {' '.join(path)} [OPTIONS]" in help_text


def test_root_help_lists_every_command_once() -> None:
    listed = re.findall(r"^  ([a-z-]+) {2,}[A-Z]", run("--help").stdout, re.MULTILINE)
    commands: dict[str, object] = vars(get_command(app))["commands"]
    assert sorted(listed) == sorted(commands)


@pytest.mark.parametrize(
    ("words", "same_as"),
    [
        (("help",), ("--help",)),
        (("help", "start"), ("start", "--help")),
        (("start", "help"), ("start", "--help")),
        (("help", "recovery"), ("recovery", "--help")),
        (("help", "recovery", "drill"), ("recovery", "drill", "--help")),
        (("recovery", "help", "drill"), ("recovery", "drill", "--help")),
        (("recovery", "drill", "help"), ("recovery", "drill", "-h")),
        (("version",), ("--version",)),
        (("-V",), ("--version",)),
        (("--region", "us-east-1", "--version"), ("--version",)),
    ],
)
def test_help_and_version_are_commands_too(
    words: tuple[str, ...], same_as: tuple[str, ...]
) -> None:
    assert run(*words).stdout == run(*same_as).stdout != ""


def test_help_of_unknown_command_suggests_another() -> None:
    ran = run("help", "lsit", code=ExitCode.USAGE)
    assert "No such command 'lsit'. Did you mean 'list'?" in ran.stderr


def test_shared_options_may_stand_before_the_command() -> None:
    program = get_command(app)
    seen: list[dict[str, Any]] = []

    def record(**values: Any) -> None:
        seen.append(values)

    for _, command in walk(program):
        command.callback = record

    def parse(*words: str) -> dict[str, Any]:
        program.main(args=words, prog_name=PROGRAM, standalone_mode=False)
        return seen[-1]

    given = parse("--region", "eu-west-1", "--output=json", "--profile", "p", "list")
    assert (given["region"], given["output"], given["profile"]) == ("eu-west-1", "json", "p")
    assert parse("--region", "eu-west-1", "list", "--region", "us-east-1")["region"] == "us-east-1"
    nested = parse("--profile", "p", "recovery", "--debug", "check", "book.json")
    assert (nested["profile"], nested["book"], nested["debug"]) == ("p", "book.json", True)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--yes stop", "--yes is an option of the commands, and follows the command: "),
        ("--region us-east-1 audit p.yaml", "audit has no --region, because the Regions are those"),
        ("recovery check b.json --region us-east-1", "check has no --region, because"),
        ("start ARN --backup-retention-period x", "--backup-retention-period 'x' must be a whole"),
        ("recovery drill b --journal j --sample 0", "--sample 0 must be at least 1."),
        ("sandbox --port 70000", "--port 70000 must be "),
        ("audit p --read-timeout x", "--read-timeout 'x' must be a number."),
        ("list --output yaml", "--output 'yaml' must be one of table, json."),
        ("wait ARN --until done", "--until 'done' must be one of replicating, stopped."),
        ("wait ARN --timeout 5", "--timeout '5' must be a number and a unit: 90s"),
        ("start ARN --retention 7", "No such option: --retention. Did you mean"),
        ("start ARN --retention 7", "--backup-retention-period"),
        ("list -o json", "No such option: -o. Did you mean --output?"),
        ("list --region", "--region requires a value."),
        ("stop ARN --yes=1", "--yes does not take a value."),
        ("start --source-db-instance-arn ARN", "SOURCE_DB_INSTANCE_ARN is an argument: omit"),
        ("audit --policy p.yaml", "POLICY is an argument: omit --policy before it."),
        ("start ARN --tags a=b c=d", "Unexpected argument: c=d. Repeat --tags before each tag."),
        ("list us-west-2", "Unexpected argument: us-west-2. The destination Region is an option"),
        ("start ARN extra", "Unexpected argument: extra. If a value contains spaces"),
        ("start ARN --tags env", "--tags 'env' must be KEY=VALUE, such as env=prod."),
        ("start ARN --tags =prod", "--tags '=prod' must be KEY=VALUE, such as env=prod."),
        ("start ARN --tags Key=env,Value=a", "must be KEY=VALUE, such as env=a."),
        ("recovery recover b.json", "--journal is required, except with --dry-run."),
        (
            "recovery recover b --dry-run --at 2999-01-01T00:00:00Z",
            "--at must not be in the future",
        ),
        ("""recovery drill b --journal j --check '"'""", "--check '\"' has a quotation mark"),
        ("--show-completion ksh", "--show-completion 'ksh' must be one of auto, bash, zsh"),
        ("start ARN --tags \x1b[1m", r"--tags '\x1b[1m' must be"),
        ("list \x1b[1m", r"Unexpected argument: \x1b[1m."),
    ],
)
@pytest.mark.usefixtures("aws_environment")
def test_usage_error_is_in_words_of_a_shell(line: str, message: str) -> None:
    words = [SOURCE_ARN if word == "ARN" else word for word in shlex.split(line)]
    ran = run(*words, code=ExitCode.USAGE)
    assert message in ran.stderr
    assert ran.stdout == ""
    python = r"Input should|Value error|Invalid value|valid int|\bNone\b|[Gg]ot unexpected|\(s\)"
    assert not re.search(python, ran.stderr)


@pytest.fixture
def aws_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_REGION", "us-east-1")


@pytest.mark.parametrize(
    ("shell", "file"),
    [
        ("bash", ".bash_completions/rds-backup-replication.sh"),
        ("zsh", ".zfunc/_rds-backup-replication"),
        ("fish", ".config/fish/completions/rds-backup-replication.fish"),
    ],
)
def test_completion_is_that_of_the_shell_asked_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, shell: str, file: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    ran = run("--install-completion", shell)
    assert ran.stdout.startswith(f"Installed the completion for {shell} in {tmp_path}")
    script = (tmp_path / file).read_text(encoding="utf-8")
    assert run("--show-completion", shell).stdout.strip() == script.strip()
    assert "_RDS_BACKUP_REPLICATION_COMPLETE" in script


def test_completion_without_a_shell_detects_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("zsh", "/bin/zsh"))
    assert "#compdef rds-backup-replication" in run("--show-completion").stdout
    monkeypatch.setattr("shellingham.detect_shell", lambda: ("ksh", "/bin/ksh"))
    ran = run("--install-completion", code=ExitCode.USAGE)
    assert ran.stderr.startswith("Error: ksh has no completion. Name a shell: --install-")


def test_completion_after_shared_options(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("_RDS_BACKUP_REPLICATION_COMPLETE", "complete_bash")
    for line, expected in (
        ("--region us-east-1 st", ["start", "stop"]),
        ("recovery dr", ["drill", "drill-cleanup"]),
        ("help st", ["start", "stop"]),
        ("list --out", ["--output"]),
    ):
        words = f"{PROGRAM} {line}"
        monkeypatch.setenv("COMP_WORDS", words.replace(" ", "\n"))
        monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
        assert run().stdout.split() == expected, line
