"""The options that print or install the completion of command lines for a shell."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import completion

from ._errors import ExitCode, Failure
from ._stdio import write_stdout

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# Typer registers its shells, although this program has its own options to install them.
_typer: "Mapping[str, Callable[..., Any]]" = vars(completion)
_typer["completion_init"]()

OPTIONS = ("--install-completion", "--show-completion")


class Shell(str, Enum):
    """A shell that can complete command lines."""

    AUTO = "auto"
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"
    POWERSHELL = "powershell"
    PWSH = "pwsh"


def _find_shell(shell: Shell) -> str:
    """Return the name of a shell, or for ``auto``, of the shell that runs the program."""
    name: str | None = shell.value
    if shell is Shell.AUTO:
        name = _typer["_get_shell_name"]()
    known = [each.value for each in Shell if each is not Shell.AUTO]
    if name is None or name not in known:
        found = f"{name} has no completion" if name else "The shell is unknown"
        message = f"{found}. Name a shell: {OPTIONS[0]} {'|'.join(known)}"
        raise Failure(message, ExitCode.USAGE)
    return name


def _install(ctx: typer.Context, shell: Shell | None) -> None:
    if shell is None or ctx.resilient_parsing:
        return
    try:
        name, path = _typer["install"](_find_shell(shell), ctx.find_root().info_name)
    except OSError as error:
        message = f"The completion cannot be installed: {error.filename}: {error.strerror}"
        raise Failure(message, ExitCode.OTHER) from error
    write_stdout(f"Installed the completion for {name} in {path}. Open a new shell to use it.\n")
    raise typer.Exit


def _show(ctx: typer.Context, shell: Shell | None) -> None:
    if shell is None or ctx.resilient_parsing:
        return
    program = str(ctx.find_root().info_name)
    variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
    script = _typer["get_completion_script"](
        prog_name=program, complete_var=variable, shell=_find_shell(shell)
    )
    write_stdout(f"{script}\n", is_escaped=True)
    raise typer.Exit


_METAVAR = "[SHELL]"
InstallCompletion = Annotated[
    Shell | None,
    typer.Option(
        OPTIONS[0],
        metavar=_METAVAR,
        callback=_install,
        is_eager=True,
        help="Install the completion of command lines for bash, zsh, fish, powershell or pwsh. "
        "The default is the shell that runs the program.",
    ),
]
ShowCompletion = Annotated[
    Shell | None,
    typer.Option(
        OPTIONS[1],
        metavar=_METAVAR,
        callback=_show,
        is_eager=True,
        help="Print the script that --install-completion installs.",
    ),
]
