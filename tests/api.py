"""Write tests/api.txt, the public API as text, or report how the source differs from the file.

The script reads the source instead of importing it, so the text is the same on every Python.
"""

import difflib
import sys
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parent.parent
TEXT = ROOT / "tests/api.txt"
PACKAGE = "rds_backup_replication"
MODULES = (
    "",
    ".aio",
    ".cli",
    ".exceptions",
    ".fleet",
    ".fleet.lambda_handler",
    ".recovery",
    ".sandbox",
    ".testing",
    ".testing.plugin",
)
# The special methods that are part of how a class is used.
PROTOCOLS = {"__call__", "__enter__", "__exit__", "__init__", "__iter__", "__len__"}
LABELS = ("property", "classmethod", "staticmethod", "dataclass")

Expression = str | griffe.Expr | None


class Api:
    """The public names of the package, and the private types that they refer to."""

    def __init__(self, package: griffe.Object) -> None:
        self._package = package
        self._pending: list[str] = []
        self._public: dict[str, str] = {}  # from the path of the definition to the public path
        self._names: dict[str, list[str]] = {}
        for module in (PACKAGE + suffix for suffix in MODULES):
            self._names[module] = sorted(_public_names(self._find(module)))
            for name in self._names[module]:
                self._public[self._find(f"{module}.{name}").canonical_path] = f"{module}.{name}"

    def lines(self) -> Iterator[str]:
        """Yield the lines of the text."""
        for module, names in self._names.items():
            yield f"## {module}"
            for name in names:
                yield from self._describe(name, self._find(f"{module}.{name}"))
        yield "## Private types that these refer to, not to be imported"
        private: dict[str, list[str]] = {}
        while self._pending:
            path = self._pending.pop()
            if path not in private:
                name = path.removeprefix(f"{PACKAGE}.")
                private[path] = list(self._describe(name, self._find(path)))
        for _, described in sorted(private.items()):
            yield from described

    def _find(self, path: str) -> griffe.Object:
        relative = path.removeprefix(PACKAGE).removeprefix(".")
        return _target(self._package[relative]) if relative else self._package

    def _describe(self, name: str, value: griffe.Object) -> Iterator[str]:
        """Yield the lines for one name."""
        labels = "".join(f"{label} " for label in LABELS if label in value.labels)
        if isinstance(value, griffe.Class):
            bases = list(dict.fromkeys([*self._bases(value), *self._keywords(value)]))
            yield f"{labels}class {name}({', '.join(bases)})"
            for member in sorted(value.all_members):
                is_public = not member.startswith("_") or member in PROTOCOLS
                if is_public and member != "model_rebuild":  # inherited from pydantic
                    found = _target(value.all_members[member])
                    yield from (f"    {line}" for line in self._describe(member, found))
        elif isinstance(value, griffe.Function):
            yield f"{labels}def {name}("
            yield from (f"    {parameter}," for parameter in self._parameters(value))
            yield f") -> {self._text(value.returns)}"
        elif isinstance(value, griffe.Attribute):
            kind = f": {self._text(value.annotation)}" if value.annotation else ""
            is_default = value.labels & {"class-attribute", "module-attribute"}
            default = (
                f" = {self._text(value.value)}" if is_default and name != "__version__" else ""
            )
            yield f"{labels}{name}{kind}{default}"
        else:
            yield f"module {name}"

    def _bases(self, value: griffe.Class) -> Iterator[str]:
        """Yield the public base classes, and those of the private base classes."""
        for base in value.bases:
            path = base if isinstance(base, str) else base.canonical_path
            if path.startswith(f"{PACKAGE}.") and path not in self._public:
                private = self._find(path)
                assert isinstance(private, griffe.Class), path
                yield from self._bases(private)
            else:
                yield self._public.get(path, path)

    def _keywords(self, value: griffe.Class) -> Iterator[str]:
        return (f"{name}={self._text(text)}" for name, text in value.keywords.items())

    def _parameters(self, function: griffe.Function) -> Iterator[str]:
        kinds = griffe.ParameterKind
        stars = {kinds.var_positional: "*", kinds.var_keyword: "**"}
        last = None
        for parameter in function.parameters:
            kind = parameter.kind or kinds.positional_or_keyword
            if last is kinds.positional_only and kind is not last:
                yield "/"
            if kind is kinds.keyword_only and last not in (kind, kinds.var_positional):
                yield "*"
            star = stars.get(kind, "")
            text = f"{star}{parameter.name}"
            if parameter.annotation is not None:
                text += f": {self._text(parameter.annotation)}"
            if parameter.default is not None and not star:
                text += f" = {self._text(parameter.default)}"
            yield text
            last = kind

    def _text(self, expression: Expression) -> str:
        """Return the expression as text, and note its private types for a later description."""
        if isinstance(expression, griffe.Expr):
            for part in expression.iterate(flat=True):
                if isinstance(part, griffe.ExprName):
                    path = part.canonical_path
                    if path.startswith(f"{PACKAGE}.") and self._is_private_type(path):
                        self._pending.append(self._find(path).canonical_path)
        return str(expression)

    def _is_private_type(self, path: str) -> bool:
        try:
            found = self._find(path)
        except (KeyError, griffe.AliasResolutionError):  # a lambda's parameter, another package
            return False
        if not (found.parent and found.parent.is_module):
            return False
        return not found.is_function and found.canonical_path not in self._public


def _target(found: griffe.Object | griffe.Alias) -> griffe.Object:
    return found.final_target if isinstance(found, griffe.Alias) else found


def _public_names(module: griffe.Object) -> Iterator[str]:
    for name, member in module.members.items():
        if module.exports is not None:
            if name in module.exports:
                yield name
        elif not name.startswith("_") and (not member.is_alias or _is_export(module, name)):
            yield name


def _is_export(module: griffe.Object, name: str) -> bool:
    """Return whether the module imports a name "as" itself, by which it exports the name."""
    return any(f" import {name} as {name}" in line for line in module.lines)


def of_source(root: Path = ROOT) -> str:
    """Return the public API of the package in the folder."""
    package = griffe.load(
        PACKAGE, search_paths=[root], try_relative_path=False, allow_inspection=False
    )
    assert isinstance(package, griffe.Module)
    return "\n".join(Api(package).lines()) + "\n"


def difference(root: Path = ROOT) -> str:
    """Return the difference between tests/api.txt and the source, empty if there is none."""
    old = TEXT.read_text(encoding="utf-8").splitlines()
    new = of_source(root).splitlines()
    return "\n".join(difflib.unified_diff(old, new, "tests/api.txt", PACKAGE, lineterm="", n=2))


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        TEXT.write_text(of_source(), encoding="utf-8")
    elif changes := difference():
        sys.exit(changes)
