"""Limits on moto: the sandbox's own session and data, and one request to S3 at a time."""

import os
import threading
from collections.abc import Callable, Generator, Iterator, MutableMapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, cast

from boto3.session import Session
from botocore.session import Session as BotocoreSession

if TYPE_CHECKING:
    from flask import Flask

Path = tuple[Any, ...]


@contextmanager
def without_profile() -> Generator[None]:
    """Hide the shell's AWS configuration, because moto makes boto3 sessions when it is imported."""
    no_files = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    names = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", *no_files)
    hidden = {name: os.environ.pop(name) for name in names if name in os.environ}
    os.environ.update(no_files)
    try:
        yield
    finally:
        for name in no_files:
            del os.environ[name]
        os.environ.update(hidden)


@cache
def sandbox_session() -> Session:
    """Return the session that all sandboxes share, because each session loads botocore's data.

    The session reads no environment variables and no files of the AWS configuration. A missing
    profile, an invalid file or a setting such as ``AWS_RETRY_MODE`` could make each client fail.
    """
    variables = {
        name: (file_key, None, default, convert)
        for name, (file_key, _, default, convert) in BotocoreSession.SESSION_VARIABLES.items()
    }
    for name in ("config_file", "credentials_file"):
        variables[name] = (None, None, os.devnull, None)
    return Session(
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106  # the sandbox accepts any value
        region_name="us-east-1",
        botocore_session=BotocoreSession(variables),
    )


def serialize_requests(app: "Flask") -> None:
    """Let the application handle one request at a time.

    S3 needs this, because moto first checks the condition of a write, and then writes.
    """
    lock = threading.Lock()

    def locked(view: Callable[..., Any]) -> Callable[..., Any]:
        def handle(*args: Any, **keywords: Any) -> Any:
            with lock:
                return view(*args, **keywords)

        return handle

    for endpoint, view in list(app.view_functions.items()):
        app.view_functions[endpoint] = locked(view)


class Footprint:
    """What moto's services held before the sandbox used them.

    Moto keeps the data of all services in this process, also that of a caller's ``mock_aws``.
    """

    def __init__(self) -> None:
        # By the service; then by the account and Region; then by the mapping's path in the backend.
        self._before: dict[str, dict[tuple[str, str], dict[Path, set[Any]]]] = {}

    def note(self, *services: str) -> None:
        """Remember what each service holds now, unless that was done before."""
        for service in services:
            if service not in self._before:
                self._before[service] = {
                    (account_id, region): {path: set(items) for path, items in _mappings(backend)}
                    for account_id, region, backend in _backends(service)
                }

    def delete_what_came_later(self) -> None:
        """Delete the data that the noted services did not hold before."""
        for service, before in self._before.items():
            for account_id, region, backend in list(_backends(service)):
                kept = before.get((account_id, region))
                if kept is None and service != "s3":
                    backend.reset()
                    continue
                for path, items in _mappings(backend):
                    for key in set(items) - (kept or {}).get(path, set()):
                        del items[key]
        if "s3" in self._before:
            _forget_deleted_buckets()


def _backends(service: str) -> Iterator[tuple[str, str, Any]]:
    from moto.backends import get_backend  # noqa: PLC0415  # only without the shell's profile

    backends: Any = get_backend(service)  # type: ignore[call-overload]
    accounts = cast("dict[str, dict[str, Any]]", backends)
    for account_id, regions in accounts.items():
        for region, backend in regions.items():
            yield account_id, region, backend


def _mappings(backend: Any) -> Iterator[tuple[Path, MutableMapping[Any, Any]]]:
    """Yield the mappings of a backend, and those in them, which EC2 has for subnets."""
    attributes: dict[str, Any] = backend.__dict__
    pending: list[tuple[Path, MutableMapping[Any, Any]]] = [((), attributes)]
    while pending:
        path, holder = pending.pop()
        if path:
            yield path, holder
        for key, value in list(holder.items()):
            items: Any = value
            if isinstance(value, MutableMapping):
                pending.append(((*path, key), items))


def _forget_deleted_buckets() -> None:
    """Release the names of deleted buckets and the files of their objects.

    The reset of moto's backend would close the files of all buckets, also those of a caller's
    ``mock_aws``.
    """
    from moto.s3 import models  # noqa: PLC0415  # only if S3 was used

    kept = {name for _, _, backend in _backends("s3") for name in backend.buckets}
    for name in models.s3_backends.bucket_accounts.keys() - kept:
        del models.s3_backends.bucket_accounts[name]
    objects: list[Any] = vars(models.FakeKey)["instances_tracked"]
    for stored in [each for each in objects if each.bucket_name not in kept]:
        stored.dispose()
        objects.remove(stored)
