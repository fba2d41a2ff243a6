"""Prepared answers for clients under test, by way of botocore's Stubber."""

import os
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, get_args
from unittest import mock

from botocore import xform_name
from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError
from botocore.stub import Stubber

from .. import _operations
from .._api import ApiOperations
from .._arn import parse_arn
from .._botocore.errors import service_error, wire_form
from .._client import BackupReplicationClient
from .._clock import InstantClock
from .._models import (
    DBInstance,
    DBInstanceAutomatedBackup,
    DeleteDBInstanceAutomatedBackupRequest,
    DescribeDBInstanceAutomatedBackupsRequest,
    DescribeSourceRegionsRequest,
    RequestModel,
    ResponseModel,
    SourceRegion,
    StartDBInstanceAutomatedBackupsReplicationRequest,
    StopDBInstanceAutomatedBackupsReplicationRequest,
)
from .._models._restore import RestoreDBInstanceToPointInTimeRequest
from .._operations import Operation
from .._redact import short_repr
from .._restore import RESTORE
from .._workflows.lookup import DESCRIBE_DB_INSTANCES
from ..exceptions import ServiceError
from ._calls import OperationName, expected_request
from ._factories import make_automated_backup, make_db_instance
from ._queue import AnswerQueue, Prepared, is_answered

if TYPE_CHECKING:
    from typing_extensions import Self

RequestT = TypeVar("RequestT", bound=RequestModel)
ResultT = TypeVar("ResultT", bound=ResponseModel)

_METADATA = {"RequestId": "00000000-0000-4000-8000-000000000000", "RetryAttempts": 0}
# Without credentials, making a client would ask the network for some.
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_UNWANTED = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_REGION")


class ReplicationStubber:
    """Answers a client's calls with what a test has prepared, in that order.

    While its ``with`` block is active, nothing is sent and no credentials are
    needed: also not by the boto3 clients that the client makes or is given for the
    source's Region and for KMS, which share the one queue of answers. Waits take no
    time. For example::

        with ReplicationStubber(client) as stubber:
            stubber.add_start(backup_retention_period=14)
            stubber.add_describe([make_automated_backup(status="replicating")])
            backup = start_and_wait(client)

    A call that is not prepared raises ``UnexpectedCall``. At the end of the block it
    is raised again, should the code under test have swallowed it; and it is an
    ``AssertionError`` if prepared answers were not asked for.

    The ``expected`` of each method is the operation's request model, or a mapping
    of its fields, which is checked at once. The call's parameters must then be
    exactly those; without it, any will do.

    It is for code that calls from one thread at a time.

    Args:
        client: The client to answer. ``stub_all_clients`` leaves it out, and answers
            every client.
    """

    def __init__(self, client: BackupReplicationClient | None = None) -> None:
        if client is not None:
            _require(client, BackupReplicationClient, "client must be a BackupReplicationClient")
        self._client = client
        self._queue = AnswerQueue()

    def __enter__(self) -> "Self":
        self._queue.open()
        if self._client is not None:
            self._queue.answer(self._client)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._queue.close()
        unexpected = self._queue.unexpected
        # The code under test may have swallowed it, or made another exception of it.
        if unexpected and exc not in unexpected:
            raise unexpected[0] from exc
        if exc_type is None:
            self.assert_no_pending()

    def add_start(
        self,
        result: DBInstanceAutomatedBackup | None = None,
        *,
        expected: StartDBInstanceAutomatedBackupsReplicationRequest
        | Mapping[str, object]
        | None = None,
        **fields: Any,
    ) -> None:
        """Prepares the answer to a start.

        Args:
            result: The backup to answer with; by default a pending one.
            expected: The request that must come; any if omitted.
            **fields: In place of ``result``: fields for ``make_automated_backup``.
        """
        backup = _backup(result, fields, "pending")
        self._add_result(_operations.START, backup, expected)

    def add_stop(
        self,
        result: DBInstanceAutomatedBackup | None = None,
        *,
        expected: StopDBInstanceAutomatedBackupsReplicationRequest
        | Mapping[str, object]
        | None = None,
        **fields: Any,
    ) -> None:
        """Prepares the answer to a stop.

        Args:
            result: The backup to answer with; by default one that is still replicating.
            expected: The request that must come; any if omitted.
            **fields: In place of ``result``: fields for ``make_automated_backup``.
        """
        backup = _backup(result, fields, "replicating")
        self._add_result(_operations.STOP, backup, expected)

    def add_delete(
        self,
        result: DBInstanceAutomatedBackup | None = None,
        *,
        expected: DeleteDBInstanceAutomatedBackupRequest | Mapping[str, object] | None = None,
        **fields: Any,
    ) -> None:
        """Prepares the answer to a deletion.

        Args:
            result: The backup to answer with; by default one that is being deleted.
            expected: The request that must come; any if omitted.
            **fields: In place of ``result``: fields for ``make_automated_backup``.
        """
        backup = _backup(result, fields, "deleting")
        self._add_result(_operations.DELETE, backup, expected)

    def add_restore(
        self,
        result: DBInstance | None = None,
        *,
        expected: RestoreDBInstanceToPointInTimeRequest | Mapping[str, object] | None = None,
        **fields: Any,
    ) -> None:
        """Prepares the answer to a restore.

        Args:
            result: The instance to answer with; by default ``restored`` in us-east-1,
                being created.
            expected: The request that must come; any if omitted.
            **fields: In place of ``result``: fields for ``make_db_instance``.
        """
        if result is None:
            name = fields.get("db_instance_identifier", "restored")
            arn = f"arn:aws:rds:us-east-1:123456789012:db:{name}"
            fields = {"db_instance_arn": arn, "db_instance_status": "creating", **fields}
            result = make_db_instance(**fields)
        else:
            _refuse_both(fields)
        self._add_result(RESTORE, result, expected)

    def add_describe(
        self,
        pages: Iterable[DBInstanceAutomatedBackup | Iterable[DBInstanceAutomatedBackup]] = (),
        *,
        expected: DescribeDBInstanceAutomatedBackupsRequest | Mapping[str, object] | None = None,
    ) -> None:
        """Prepares the answers to one listing of backups, all of its pages.

        Args:
            pages: The pages; a backup that is not in one is a page of its own. If
                there are none, the listing is empty.
            expected: The request that must come, without a marker; any if omitted.
                A mapping may name the size of pages ``page_size``, as the client does.
        """
        self._add_pages(_operations.DESCRIBE, pages, expected)

    def add_describe_source_regions(
        self,
        pages: Iterable[SourceRegion | Iterable[SourceRegion]] = (),
        *,
        expected: DescribeSourceRegionsRequest | Mapping[str, object] | None = None,
    ) -> None:
        """Prepares the answers to one listing of source Regions, all of its pages.

        Args:
            pages: The pages; a Region that is not in one is a page of its own. If
                there are none, the listing is empty.
            expected: The request that must come, without a marker; any if omitted.
        """
        self._add_pages(_operations.DESCRIBE_SOURCE_REGIONS, pages, expected)

    def add_describe_db_instances(self, *instances: DBInstance) -> None:
        """Prepares the source Region's answer to how the source instance is.

        Args:
            *instances: The instances to answer with; ``make_db_instance`` makes one.
        """
        self._add_pages(DESCRIBE_DB_INSTANCES, [instances], None)

    def add_describe_key(self, key_arn: str) -> None:
        """Prepares KMS's answer to which key an alias stands for.

        Args:
            key_arn: ARN of the key.
        """
        arn = parse_arn(key_arn)
        kind, _, key_id = (arn.resource if arn else "").partition("/")
        if arn is None or arn.service != "kms" or kind != "key":
            raise ValueError(f"{key_arn!r} is not the ARN of a KMS key")
        self._add("describe_key", {"KeyMetadata": {"KeyId": key_id, "Arn": key_arn}})

    def add_fault(
        self,
        operation: OperationName,
        fault: type[ServiceError],
        message: str = "Refused by the test.",
        *,
        code: str | None = None,
    ) -> None:
        """Prepares a refusal, with the code and HTTP status that RDS has for it.

        Args:
            operation: boto3's method for the operation.
            fault: The exception that the client is to raise.
            message: AWS's message.
            code: AWS's code; for ``ServiceError`` itself it must be given, for others
                it is known.

        Raises:
            ValueError: The code is missing, or the client raises another exception
                for it.
        """
        _check_operation(operation)
        if ServiceError not in getattr(fault, "__mro__", ()):
            raise TypeError(f"fault must be a class of ServiceError, not {short_repr(fault)}")
        if code is None and fault is ServiceError:
            raise ValueError("code= must be given: ServiceError itself stands for no one code")
        if code is not None:
            raised = type(service_error(ClientError({"Error": {"Code": code}}, operation)))
            if raised is not fault:
                raise ValueError(f"for code {code!r}, the client raises {raised.__name__}")

        def give(stubber: Stubber) -> None:
            known_code, status = wire_form(fault, stubber.client.meta.service_model)
            stubber.add_client_error(
                operation, code or known_code, message, status, response_meta=_METADATA
            )

        self._queue.pending.append(Prepared(operation, give))

    def add_no_answer(self, operation: OperationName, error: BotoCoreError) -> None:
        """Prepares the failure of a call that gets no answer.

        Args:
            operation: boto3's method for the operation.
            error: What botocore raises, such as
                ``ReadTimeoutError(endpoint_url="https://example.com")``.
        """
        _check_operation(operation)
        _require(error, BotoCoreError, "error must be an exception of botocore's")

        def give(_: Stubber) -> None:
            raise error

        self._queue.pending.append(Prepared(operation, give))

    def assert_no_pending(self) -> None:
        """Raises an ``AssertionError`` if there are answers that nobody asked for."""
        if self._queue.pending:
            lines = "".join(f"\n  {prepared}" for prepared in self._queue.pending)
            raise AssertionError(f"these calls were prepared, and did not come:{lines}")

    def _add_result(
        self,
        operation: Operation[RequestT, ResultT],
        result: ResultT,
        expected: RequestT | Mapping[str, object] | None,
    ) -> None:
        name = operation.result.__name__
        _require(result, operation.result, f"the result must be a {name}, or be left out")
        request = expected_request(operation, expected)
        self._add(xform_name(operation.name), {operation.result_member: _dumped(result)}, request)

    def _add_pages(
        self,
        operation: Operation[RequestT, ResultT],
        pages: Iterable[ResultT | Iterable[ResultT]],
        expected: RequestT | Mapping[str, object] | None,
    ) -> None:
        if isinstance(pages, operation.result):
            raise TypeError("pages must be a list of pages or models, not one model")
        request = expected_request(operation, expected)
        dumped = [_dumped_page(operation.result, page) for page in pages] or [[]]
        for number, page in enumerate(dumped, start=1):
            answer: dict[str, Any] = {operation.result_member: page}
            if number < len(dumped):
                answer["Marker"] = f"page-{number + 1}"
            if request is not None and number > 1:
                request = request.model_copy(update={"marker": f"page-{number}"})
            self._add(xform_name(operation.name), answer, request)

    def _add(
        self, method: str, answer: Mapping[str, Any], expected: RequestModel | None = None
    ) -> None:
        metadata = {**_METADATA, "HTTPStatusCode": 200}

        def give(stubber: Stubber) -> None:
            stubber.add_response(method, {**answer, "ResponseMetadata": metadata})

        self._queue.pending.append(Prepared(method, give, expected))


def _backup(
    result: DBInstanceAutomatedBackup | None, fields: Mapping[str, Any], status: str
) -> DBInstanceAutomatedBackup:
    if result is None:
        every_field: Any = {"status": status, **fields}
        return make_automated_backup(**every_field)
    _refuse_both(fields)
    return result


def _refuse_both(fields: Mapping[str, Any]) -> None:
    if fields:
        raise TypeError(f"give either a result or its fields, not both: {', '.join(fields)}")


def _check_operation(operation: str) -> None:
    if operation not in get_args(OperationName):
        names = ", ".join(get_args(OperationName))
        raise ValueError(f"{operation!r} is not an operation that a client uses, one of {names}")


def _require(given: object, kind: type, sentence: str) -> None:
    """Types are for editors; at run time, a wrong one would have a test pass wrongly."""
    if not isinstance(given, kind):
        raise TypeError(f"{sentence}, not {short_repr(given)}")


def _dumped_page(model: type[ResultT], page: ResultT | Iterable[ResultT]) -> list[dict[str, Any]]:
    items: list[Any] = [page] if isinstance(page, model) else list(page)
    for item in items:
        _require(item, model, f"a page holds {model.__name__} models")
    return [_dumped(item) for item in items]


def _dumped(model: ResponseModel) -> dict[str, Any]:
    return model.model_dump(by_alias=True, exclude_none=True)


@contextmanager
def stub_all_clients() -> Generator[ReplicationStubber, None, None]:
    """Answers every ``BackupReplicationClient`` that is made within the block.

    Wherever it is made, and also with ``client=``; all share one queue of answers.
    A client that was made before is not answered: its calls raise ``UnexpectedCall``.
    boto3 has a new default session and an environment of stand-in credentials, so
    that it looks for no others, and us-east-1 as the default Region.

    Yields:
        The stubber to prepare the answers with.
    """
    import boto3  # noqa: PLC0415  # it costs time, and other stubbers need it not

    construct = ApiOperations.__init__
    exchange = vars(Operation)["_exchange"]

    with ReplicationStubber() as stubber:

        def construct_answered(made: BackupReplicationClient, /, **keywords: Any) -> None:
            construct(made, **keywords)
            stubber._queue.answer(made)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]  # this module's own

        def exchange_if_answered(
            operation: Operation[Any, Any], client: BaseClient, send: Callable[[], Any]
        ) -> Any:
            if not is_answered(client):
                stubber._queue.refuse(  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
                    f"{xform_name(operation.name)} came from a client that was made before the "
                    "block of stub_all_clients(); ReplicationStubber(client) answers such a one"
                )
            return exchange(operation, client, send)

        with (
            mock.patch.object(ApiOperations, "__init__", construct_answered),
            mock.patch.object(Operation, "_exchange", exchange_if_answered),
            mock.patch.object(boto3, "DEFAULT_SESSION", None),
            mock.patch.dict(os.environ, _ENVIRONMENT),
        ):
            for name in _UNWANTED:
                os.environ.pop(name, None)
            yield stubber


@contextmanager
def instant_waits() -> Generator[None, None, None]:
    """Has the waits of every client take no time within the block."""
    with mock.patch.object(BackupReplicationClient, "_clock", InstantClock()):
        yield
