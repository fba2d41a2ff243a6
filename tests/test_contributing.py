"""CONTRIBUTING.md names every module and every make target."""

import re

from . import module_map


def test_module_map_is_current() -> None:
    """After a change, `python -m tests.module_map --write` renews the map."""
    page = module_map.PAGE.read_text(encoding="utf-8")
    assert page == module_map.page_with(module_map.module_map())


def test_module_map_has_every_package() -> None:
    folders = {path.parent for path in module_map.PACKAGE.rglob("*.py")}
    names = {folder.relative_to(module_map.PACKAGE).as_posix() for folder in folders}
    assert names == {name or "." for name in module_map.PACKAGES}


def test_every_make_target_is_explained() -> None:
    makefile = (module_map.ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony is not None
    explained = re.findall(
        r"^\| `make (\S+)` \|", module_map.PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(explained) == sorted(phony[1].split())
