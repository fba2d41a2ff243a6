"""Imports of a package's names when they are first used."""

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def lazy_names(
    package: str, names: Sequence[str], homes: Mapping[str, str], default_home: str
) -> tuple[Callable[[str], object], Callable[[], Sequence[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of a package.

    ``homes`` maps a name to its module; a name that maps to itself is a module.
    """

    def get(name: str) -> object:
        if name not in names:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes.get(name, default_home)
        module = import_module(f"{package}.{home}")
        value = module if name == home else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: names
