"""The old and new endpoints of a recovery, for changes of DNS and of configurations."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Literal

from ...fleet._formats.markdown_blocks import PLACE, join, place_cells
from ...fleet._formats.markdown_text import code, table, text
from ...fleet._invisible_characters import replace_invisible
from ...fleet._wording import pluralize
from .._records import RecoveryReport, RestoredInstance

# Programs differ in how they read quotes, backslashes and dollar signs in a .env file, so a value
# must need no quotes. The address of a DB instance needs none.
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")


def render_endpoints(report: RecoveryReport, form: Literal["json", "dotenv", "markdown"]) -> str:
    """Render the old and new endpoints of a recovery.

    Args:
        report: The report of a recovery.
        form: ``json``: an array with an object for each instance that is done. ``dotenv``:
            ``<IDENTIFIER>_HOST`` and ``<IDENTIFIER>_PORT`` for each instance that is done, by the
            identifier of the lost instance; if two of the recovery's instances have the same one,
            account and source Region follow it. ``markdown``: tables. The last two name the other
            instances, too, so that none is missing unseen.

    Returns:
        The text. In each form, the instances are in the order of the recovery.
    """
    instances = sorted(report.instances, key=RestoredInstance.sort_key)
    if form == "json":
        return _json(instances)
    if form == "dotenv":
        return "".join(f"{line}\n" for line in _dotenv(report, instances))
    return _markdown(report, instances)


def _json(instances: Iterable[RestoredInstance]) -> str:
    objects = [
        each.model_dump(
            mode="json",
            include={
                *("account_id", "source_region", "destination_region"),
                *("db_instance_identifier", "target_db_instance_identifier"),
                *("db_instance_arn", "restored_db_instance_arn"),
                *("old_endpoint", "old_port", "new_endpoint", "new_port"),
            },
        )
        for each in instances
        if each.outcome == "done"
    ]
    return json.dumps(objects, indent=2).replace("\x7f", r"\u007f") + "\n"


def _dotenv(report: RecoveryReport, instances: list[RestoredInstance]) -> Iterator[str]:
    yield _comment(f"Recovery {report.run_id}")
    for each, name in zip(instances, _variables(instances), strict=True):
        place = f"account {each.account_id}, {each.source_region} → {each.destination_region}"
        old = _address(each.old_endpoint, each.old_port) or "unknown"
        yield _comment(f"{each.db_instance_identifier} ({place}), old endpoint: {old}")
        host, port = each.new_endpoint, each.new_port
        if each.outcome == "done" and host and port is not None and _PLAIN.fullmatch(host):
            yield f"{name}_HOST={host}"
            yield f"{name}_PORT={port}"
        else:
            yield _comment(f"{name}_HOST is not set: {_shortfall(each)}")


def _comment(line: str) -> str:
    return f"# {replace_invisible(line, lambda _: chr(0xFFFD), keep='')}"


def _variables(instances: list[RestoredInstance]) -> list[str]:
    """Return the beginning of each instance's variables.

    The names do not depend on outcomes, so that they are the same when a recovery goes on.
    """
    short = [_variable(each.db_instance_identifier) for each in instances]
    counts = Counter(short)
    names: dict[str, None] = {}
    for each, own in zip(instances, short, strict=True):
        name = own
        if counts[own] > 1:
            name += _variable(f"-{each.account_id}-{each.source_region}")
        while name in names or (name != own and name in counts):
            name += "_"
        names[name] = None
    return list(names)


def _variable(identifier: str) -> str:
    name = re.sub("[^A-Za-z0-9]", "_", identifier).upper()
    return name if re.match("[A-Z_]", name) else f"DB_{name}"


def _markdown(report: RecoveryReport, instances: list[RestoredInstance]) -> str:
    done = [each for each in instances if each.outcome == "done" and each.new_endpoint]
    others = [each for each in instances if each not in done]
    endpoints = table(
        (*PLACE, "Old endpoint", "New endpoint"),
        ((*_place(i), *map(_code, (_old(i), _new(i)))) for i in done),
    )
    missing = table(
        (*PLACE, "Old endpoint", "Why"),
        ((*_place(i), _code(_old(i)), text(_shortfall(i))) for i in others),
    )
    return join(
        f"# Endpoints of recovery {code(report.run_id)}",
        f"{pluralize(len(done), 'instance')} of {len(instances):,} done.",
        endpoints if done else "",
        *((f"## Without a new endpoint: {len(others):,}", missing) if others else ()),
    )


def _place(each: RestoredInstance) -> tuple[str, str, str]:
    return place_cells(
        *(each.db_instance_identifier, each.account_id),
        *(each.source_region, each.destination_region),
    )


def _old(each: RestoredInstance) -> str:
    return _address(each.old_endpoint, each.old_port)


def _new(each: RestoredInstance) -> str:
    return _address(each.new_endpoint, each.new_port)


def _address(host: str | None, port: int | None) -> str:
    """Return a host with its port; empty if the host is not known."""
    if not host:
        return ""
    return host if port is None else f"{host}:{port}"


def _code(address: str) -> str:
    return code(address) if address else "unknown"


def _shortfall(each: RestoredInstance) -> str:
    """Return why an instance has no new endpoint, and the address it has all the same."""
    words = {
        "done": "no usable address is known",
        "planned": "a dry run restores nothing",
    }
    why = words.get(each.outcome, each.outcome.replace("_", " "))
    parts = [f"{why}: {each.message}" if each.message else f"{why}."]
    if address := _new(each):
        parts.append(f"RDS shows the address {address}.")
    return " ".join(parts)
