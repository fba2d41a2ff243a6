"""Public names whose modules are imported when a name is first used."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazy_names(
    package: str, names: Sequence[str], homes: Mapping[str, str], other_home: str
) -> tuple[Callable[[str], object], Callable[[], Sequence[str]]]:
    """A package's ``__getattr__`` and ``__dir__``; a module among the names is its own home."""

    def get(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes.get(name, other_home)
        module = import_module(f"{package}.{home}")
        value = module if name == home else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: names
