"""The program in a process of its own: imports, terminals and standard streams."""

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from rds_backup_replication.cli import app
from rds_backup_replication.sandbox import Sandbox

from .process_cases import NAME, PROGRAM, on_a_terminal, read_until, run_python
from .wire import BACKUP_ARN, SOURCE_ARN


def test_help_and_version_import_no_heavy_modules() -> None:
    code = (
        "import sys, rds_backup_replication.cli as cli\n"
        "assert 'typer' not in sys.modules\n"
        "for word in ('--version', '--help'):\n"
        "    sys.argv = ['rds-backup-replication', word]\n"
        "    try: cli.main()\n"
        "    except SystemExit as error: assert not error.code\n"
        "    heavy = {'boto3', 'botocore', 'pydantic', 'moto', 'yaml', 'rich'}\n"
        "    assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    ran = run_python(code)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "Usage: rds-backup-replication" in ran.stdout


@pytest.mark.parametrize("module", ["typer", "rich", "yaml"])
def test_missing_extra_is_named(module: str) -> None:
    arguments = ["regions"] if module != "yaml" else ["audit", os.devnull]
    code = (
        f"import sys; sys.modules[{module!r}] = None\n"
        "from rds_backup_replication.cli import main\n"
        f"sys.argv = ['rds-backup-replication', *{arguments!r}]\n"
        "from rds_backup_replication import BackupReplicationClient as Client, SourceRegion\n"
        "region = SourceRegion(region_name='us-west-2')\n"
        "Client.describe_source_regions = lambda *_, **__: iter([region])\n"
        "import os; os.environ['AWS_REGION'] = 'us-east-1'\n"
        "main()\n"
    )
    ran = run_python(code)
    assert ran.returncode == 1, ran.stderr
    assert ran.stderr.startswith("Error: ")
    assert "pip install 'rds-backup-replication[" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shell_completion_completes_a_command(shell: str) -> None:
    words = "rds-backup-replication po"
    variables = {
        "_RDS_BACKUP_REPLICATION_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": words,
        "COMP_CWORD": "1",
        "_TYPER_COMPLETE_ARGS": words,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    ran = subprocess.run(  # noqa: S603  # this project's program
        PROGRAM, capture_output=True, text=True, check=False, env={**os.environ, **variables}
    )
    assert "policy-schema" in ran.stdout
    assert "start" not in ran.stdout


@pytest.mark.parametrize(("reply", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_stop_asks_for_confirmation_on_a_terminal(
    rds_sandbox: Sandbox, reply: str, code: int
) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    with on_a_terminal("stop", SOURCE_ARN, "--output", "json") as (terminal, process):
        question = read_until(terminal, "[y/N]")
        os.write(terminal, reply.encode())
        assert process.stdout is not None
        data = process.stdout.read()
        if code:
            assert "Nothing was changed" in read_until(terminal, "changed")
    assert process.returncode == code
    assert f"Stop the replication of {SOURCE_ARN} to us-east-1?" in " ".join(question.split())
    if code:
        assert data == b""
    else:
        assert json.loads(data)["db_instance_arn"] == SOURCE_ARN


@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_no_color_turns_colors_off(no_color: str, colored: bool) -> None:  # noqa: FBT001
    with on_a_terminal("start", "nope", "--region", "us-east-1", NO_COLOR=no_color) as (
        terminal,
        process,
    ):
        shown = read_until(terminal, "must be an ARN")
        process.wait()
    assert ("\x1b[31m" in shown or "\x1b[1m" in shown) is colored
    assert process.returncode == 2


def test_hidden_characters_in_progress_are_escaped() -> None:
    hostile = "[red]a\x1b[2K\u202eb\nc"
    shown = r"[red]a\x1b[2K\u202eb\nc"
    with on_a_terminal("wait", hostile, "--region", "us-east-1", COLUMNS="200") as (
        terminal,
        process,
    ):
        assert f"Waiting until {shown} is replicating" in read_until(terminal, "is replicating")
        process.wait()
    assert process.returncode == 2


def run_in_shell(
    redirections: str, *arguments: str, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run the program in a shell, with redirections such as ``>&-``."""
    return subprocess.run(  # noqa: S603  # this project's program
        ["/bin/sh", "-c", f'exec "$@" {redirections}', "sh", *PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, **variables},
        timeout=60,
    )


def test_closed_standard_output_prevents_a_start(rds_sandbox: Sandbox) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    ran = run_in_shell(">&-", "start", SOURCE_ARN)
    assert ran.returncode == 1
    assert ran.stderr.startswith("Error: Standard output is closed")
    assert "Traceback" not in ran.stderr
    assert not list(rds_sandbox.client("us-east-1").describe_db_instance_automated_backups())


@pytest.mark.long
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
@pytest.mark.parametrize(
    "arguments", [("--version",), ("--help",), ("list",), ("list", "--output", "json")]
)
def test_full_disk_is_an_error(rds_sandbox: Sandbox, arguments: tuple[str, ...]) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    ran = run_in_shell(">/dev/full", *arguments)
    assert ran.returncode == 1
    assert ran.stderr == "Error: Standard output cannot be written: No space left on device\n"
    assert run_in_shell("2>/dev/full", *arguments).returncode == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("stop", SOURCE_ARN),
        ("delete", BACKUP_ARN),
        ("apply", "--policy", "policy.yaml"),
        ("audit", "-"),
    ],
)
@pytest.mark.usefixtures("rds_sandbox")
def test_closed_standard_input_is_no_terminal(arguments: tuple[str, ...]) -> None:
    ran = run_in_shell("<&-", *arguments)
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stderr.startswith("Error: ")


@pytest.mark.long
def test_closed_standard_error_is_no_error(rds_sandbox: Sandbox) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    ran = run_in_shell("2>&-", "wait", SOURCE_ARN, "--poll-interval", "1s", "--output", "json")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["status"].lower() == "replicating"
    assert run_in_shell("2>&-", "show", "nope").returncode == 2


def test_broken_pipe_prints_no_traceback(rds_sandbox: Sandbox) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    ran = run_in_shell("| true", "list")
    assert ran.stderr == ""


@pytest.mark.long
@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
def test_json_is_complete_without_unicode_support(
    rds_sandbox: Sandbox, tmp_path: Path, variables: dict[str, str]
) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.ensure_replication(source_db_instance_arn=SOURCE_ARN, tags={"team": "Zürich 𝐀"})
    shown = run_in_shell("", "show", SOURCE_ARN, "--output", "json", **variables)
    assert shown.returncode == 0, shown.stderr
    (tag,) = json.loads(shown.stdout)["tag_list"]
    assert tag == {"key": "team", "value": "Zürich 𝐀"}
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        'accounts: [{id: "123456789012"}]\nrules: [{name: Züge, source_regions: [us-west-2], '
        "destination_region: us-east-1}]\n",
        encoding="utf-8",
    )
    planned = run_in_shell("", "plan", str(policy), **variables)
    assert planned.returncode == 0, planned.stderr
    assert "Z?ge" in planned.stdout


@pytest.mark.long
def test_failed_poll_is_reported_at_once(rds_sandbox: Sandbox) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    ran = run_in_shell(
        "",
        *("wait", SOURCE_ARN, "--timeout", "1s", "--poll-interval", "1s"),
        *("--endpoint-url", "http://127.0.0.1:9"),
        AWS_MAX_ATTEMPTS="1",
    )
    assert ran.returncode == 6
    first, second, *_ = ran.stderr.splitlines()
    assert first.startswith("Waiting until")
    assert second.startswith("A poll failed and will be retried: Could not connect")
    assert "The operation continues at AWS" not in ran.stderr
    assert "Check --region, --endpoint-url and the network." in ran.stderr


@pytest.mark.long
@pytest.mark.parametrize(("width", "shown"), [("0", SOURCE_ARN), ("-1", SOURCE_ARN)])
def test_invalid_columns_variable_is_ignored(rds_sandbox: Sandbox, width: str, shown: str) -> None:
    rds_sandbox.create_db_instance("us-west-2")
    client = rds_sandbox.client("us-east-1")
    client.start_db_instance_automated_backups_replication(source_db_instance_arn=SOURCE_ARN)
    listed = run_in_shell("", "list", COLUMNS=width)
    assert listed.stdout.splitlines()[1].split()[-1] == shown


@pytest.mark.long
def test_help_shows_all_names_whole_on_80_columns() -> None:
    commands: dict[str, Any] = vars(get_command(app))["commands"]
    for name, command in {"": get_command(app), **commands}.items():
        arguments = [*filter(None, (name, "--help"))]
        shown = CliRunner().invoke(app, arguments, prog_name=NAME, terminal_width=78).stdout
        if name == "ensure":
            assert shown == on_80_columns(*arguments)
        assert max(map(len, shown.splitlines())) <= 80
        assert "…" not in shown
        for parameter in command.params:
            for word in (*parameter.opts, *parameter.secondary_opts):
                if word.startswith("-"):
                    assert re.search(rf"(?<![\w-]){word}(?![\w-])", shown), (name, word)
            variable = getattr(parameter, "envvar", None)
            assert variable is None or variable in shown, (name, variable)
        if command.help and name:
            assert " ".join(command.help.split()) in " ".join(shown.split()), name
            intro = re.split(r"\n(?=Arguments:|Options:)", shown)[0]
            for paragraph in intro.split("\n\n")[1:]:
                for line, following in pairwise(paragraph.splitlines()):
                    # A line ends only where the next word does not fit.
                    assert len(line) + len(following.split()[0]) >= 78, (name, line)


@pytest.mark.long
def test_error_on_a_terminal_is_wrapped_between_words() -> None:
    here = SOURCE_ARN.replace("us-west-2", "us-east-1")
    shown = on_80_columns("start", here, "--region", "us-east-1", code=2)
    assert max(map(len, shown.splitlines())) <= 80
    ran = subprocess.run(  # noqa: S603  # this project's program
        [*PROGRAM, "start", here, "--region", "us-east-1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert len(shown.splitlines()) > len(ran.stderr.splitlines())
    assert shown.split() == ran.stderr.split()


def on_80_columns(*arguments: str, code: int = 0) -> str:
    """Return the output of the program on a terminal with 80 columns."""
    terminal, program_side = pty.openpty()
    fcntl.ioctl(program_side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    environment = {**os.environ, "TERM": "xterm"}
    environment.pop("COLUMNS", None)
    with subprocess.Popen(  # noqa: S603  # this project's program
        [*PROGRAM, *arguments],
        stdin=program_side,
        stdout=program_side,
        stderr=program_side,
        env=environment,
    ) as process:
        os.close(program_side)
        shown = b""
        with contextlib.suppress(OSError):  # raised when the program has closed its side
            while part := os.read(terminal, 65_536):
                shown += part
    os.close(terminal)
    assert process.returncode == code
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode()).replace("\r\n", "\n")


@pytest.mark.parametrize("redirection", ["</dev/null", "<&-"])
def test_mfa_code_needs_a_terminal(tmp_path: Path, redirection: str) -> None:
    """A scheduler runs the program without anybody who could enter a code."""
    config = tmp_path / "config"
    config.write_text(
        "[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n[profile mfa]\n"
        "source_profile = base\nrole_arn = arn:aws:iam::111111111111:role/a\n"
        "mfa_serial = arn:aws:iam::111111111111:mfa/b\nregion = us-east-1\n",
        encoding="utf-8",
    )
    keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
    variables = {name: value for name, value in os.environ.items() if name not in keys}
    ran = subprocess.run(  # noqa: S603  # this project's program
        ["/bin/sh", "-c", f'exec "$@" {redirection}', "sh", *PROGRAM, "list", "--profile", "mfa"],
        capture_output=True,
        text=True,
        check=False,
        env={**variables, "AWS_CONFIG_FILE": str(config)},
        start_new_session=True,
        timeout=60,
    )
    assert "requires an MFA code, and there is no terminal" in ran.stderr
    assert "unexpected" not in ran.stderr
    assert ran.returncode == 4
