"""Usage errors and help in a shell's words, without the types of Python and the texts of pydantic.

Typer contains a copy of click and exports little of it, so contexts, parameters and formatters have
the type ``Any``.
"""

import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from textwrap import wrap
from typing import Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from ._examples import EXAMPLES
from ._stdio import escape_invisible

# Typer does not export click's UsageError. Typer prints such an error, and exits with 2.
USAGE_ERROR = cast("type[Exception]", typer.BadParameter.__mro__[1])

SHARED_OPTIONS = {"--region": 2, "--profile": 2, "--endpoint-url": 2, "--output": 2, "--debug": 1}
"""Options that may stand before the command, as in the AWS CLI, each with its number of words."""
_INSTEAD = {"help": "--help", "version": "--version"}

_TYPES = re.compile(r"(?<=\S) <(?:str|int|float|path)(?: range)?>")
_PLAIN_RANGES = (
    (r"\b(\d[\d.]*)<=x<=(\d[\d.]*)", r"\1 to \2"),
    (r"\bx>=(\d[\d.]*)", r"at least \1"),
)
_PLAIN_VALUES = (  # pydantic's texts, and those of Typer before 0.28
    (r"Value error, ", ""),
    (r".*valid int.*", "must be a whole number"),
    (r".*valid (?:number|float).*", "must be a number"),
    (r"Input should be greater than or equal to (\S+)", r"must be at least \1"),
    (r"Input should be less than or equal to (\S+)", r"must be at most \1"),
    (r"\S+ is not in the range x>=(.+)\.", r"must be at least \1"),
    (r"\S+ is not in the range (\S+)<=x<=(\S+)\.", r"must be from \1 to \2"),
    (r"'(.*)' is not one of (.+)\.", r"must be one of \2"),
)


@contextmanager
def plain_usage_errors() -> Generator[None]:
    """Word usage errors plainly, and escape what they repeat of the command line."""
    try:
        yield
    except USAGE_ERROR as error:
        plain = _explain(error)
        if plain is not None:
            raise USAGE_ERROR(escape_invisible(plain), vars(error)["ctx"]) from error
        vars(error)["message"] = escape_invisible(vars(error)["message"])
        raise


def _explain(error: Exception) -> str | None:
    """Return a better text than the error's own, or ``None`` if the error needs none."""
    facts: dict[str, Any] = vars(error)
    kind, context, message = type(error).__name__, facts["ctx"], facts["message"]
    if kind == "BadParameter":
        return _explain_value(error)
    if kind == "BadOptionUsage":
        plain = re.sub(r"^Option '(.+?)' ", r"\1 ", message)
        return str(plain).replace("requires an argument", "requires a value")
    if kind == "NoSuchOption" and context is not None:
        return _explain_option(facts["option_name"], context)
    extra = re.fullmatch(r"Got unexpected extra arguments? ?(?:\(s\) )?\((.*)\)", message)
    if extra is None or context is None:
        return None
    options = _options(context.command)
    hint = "If a value contains spaces, put it in quotes."
    if "=" in extra[1] and "--tags" in options:
        hint = "Repeat --tags before each tag."
    elif "--region" in options and re.fullmatch(r"[a-z]+(-[a-z]+)+-\d", extra[1]):
        hint = "The destination Region is an option: --region."
    return f"Unexpected argument: {extra[1]}. {hint}"


def _explain_value(error: Exception) -> str:
    """Return a sentence that begins with the option, and the value if Typer refused that."""
    facts = vars(error)
    parameter = facts["param"]
    option = facts["param_hint"] or str(parameter.metavar)
    if facts["param_hint"] is None and parameter.param_type_name == "option":
        option = parameter.opts[0]
    message = facts["message"]
    if facts["param_hint"] is None:  # otherwise, a command has raised the error
        cause: Any = error.__cause__
        quoted = re.match(r"(?:Value error, )?('.*?'|-?[\d.]+) is not ", message)
        given = cause.errors()[0]["input"] if hasattr(cause, "errors") else None
        shown = quoted[1] if quoted else "" if given is None else repr(str(given))
        shown = re.sub(r"^'(-?[\d.]+)'$", r"\1", shown)
        for pattern, plain in _PLAIN_VALUES:
            message = re.sub(rf"^{pattern}$" if pattern[-2:] != ", " else pattern, plain, message)
        if message.startswith("must be one of "):
            message = message.replace("'", "")
        option = f"{option} {shown}".rstrip()
    return f"{option} {message.rstrip('.')}."


def _explain_option(option: str, context: Any) -> str:
    command = context.command
    below: dict[str, Any] = getattr(command, "commands", {})
    if any(option in _options(each) for each in _leaves(below.values())):
        where = f"{context.command_path} COMMAND {option}"
        return f"{option} is an option of the commands, and follows the command: {where}"
    for parameter in command.params:
        name = str(parameter.metavar or "")
        if parameter.param_type_name == "argument" and name == _metavar_of(option):
            return f"No such option: {option}. {name} is an argument: omit {option} before it."
    if option == "--region" and {"policy", "book"} & {each.name for each in command.params}:
        return (
            f"{command.name} has no --region, because the Regions are those of the policy or the "
            "recovery book."
        )
    near = _near_options(option, _options(command))
    return f"No such option: {option}." + (f" Did you mean {near}?" if near else "")


def _metavar_of(option: str) -> str:
    return option.lstrip("-").replace("-", "_").upper()


def _near_options(option: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  # only an error needs it

    known = sorted(each for each in known if each.startswith("--"))
    if option.startswith("--"):
        words = {*option.strip("-").split("-")}
        near = get_close_matches(option, known, 2, 0.7)
        near += [
            each for each in known if each not in near and words & {*each.strip("-").split("-")}
        ]
    else:
        near = [each for each in known if each[2] == option[1]]
    return " or ".join(near[:3])


def _options(command: Any) -> set[str]:
    return {
        option
        for each in command.params
        if each.param_type_name == "option"
        for option in (*each.opts, *each.secondary_opts)
    }


def _leaves(commands: Iterable[Any]) -> Generator[Any]:
    for command in commands:
        if hasattr(command, "commands"):
            yield from _leaves(command.commands.values())
        else:
            yield command


def _format_options(command: Any, context: Any, formatter: Any) -> None:
    """Write the arguments and options as Typer does, without the types of Python."""
    records: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record is not None:
            name, text = record
            for pattern, plain in _PLAIN_RANGES:
                text = re.sub(pattern, plain, text)
            records[parameter.param_type_name].append((_TYPES.sub("", name), text))
    for title, rows in (("Arguments", records["argument"]), ("Options", records["option"])):
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _format_examples(context: Any, formatter: Any) -> None:
    _, _, name = context.command_path.partition(" ")
    with formatter.section("Examples"):
        for index, (text, line) in enumerate(EXAMPLES[name]):
            if index:
                formatter.write_paragraph()
            formatter.write_text(f"{text}:")
            lines = wrap(  # a value stays beside its option
                "rds-backup-replication " + re.sub(r"(--[\w-]+) (?=[^-\s])", "\\1\0", line),
                max(formatter.width - 6, 40),
                break_long_words=False,
                break_on_hyphens=False,
                subsequent_indent="    ",
            )
            indent = " " * (formatter.current_indent + 2)
            formatter.write(indent + f" \\\n{indent}".join(lines).replace("\0", " ") + "\n")


class Command(TyperCommand):
    """A command with examples in its help."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take ``COMMAND help``, as in the AWS CLI, for ``COMMAND --help``."""
        return super().parse_args(ctx, ["--help"] if args == ["help"] else args)

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the pieces of the usage line, in which a required argument has no braces."""
        return [re.sub(r"^\{(.*)\}", r"\1", each) for each in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and options."""
        _format_options(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples."""
        _format_examples(ctx, formatter)


class Commands(TyperGroup):
    """A group of commands, before whose names ``help`` and the shared options may stand."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Bring the words into the order that Typer needs."""
        moved: list[str] = []
        rest = list(args)
        while rest and (option := rest[0].partition("="))[0] in SHARED_OPTIONS:
            count = 1 if option[1] else SHARED_OPTIONS[option[0]]
            moved += rest[:count]
            del rest[:count]
        if rest and rest[0] in _INSTEAD and rest[0] not in self.commands:
            rest = [*rest[1:], _INSTEAD[rest[0]]]
        if rest and not rest[0].startswith("-"):
            rest[1:1] = moved
        return super().parse_args(ctx, rest)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options and the commands."""
        _format_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, and how to get the help of a command."""
        _format_examples(ctx, formatter)
        with formatter.section("Options and examples of a command"):
            formatter.write_text(f"{ctx.command_path} help COMMAND")
