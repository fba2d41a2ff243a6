"""The stubber, which queues responses for clients under test on top of botocore's Stubber."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError
from botocore.stub import Stubber

from .. import _operations, aio
from .._arn import parse_arn
from .._botocore.errors import service_error, wire_form
from .._client import BackupReplicationClient
from .._client_base import ClientBase
from .._models import (
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
from .._models._instance import DBInstance
from .._models._restore import RestoreDBInstanceToPointInTimeRequest
from .._operations import Operation
from .._redact import short_repr
from .._restore import RESTORE
from .._workflows.lookup import DescribeDBInstancesRequest
from ..exceptions import ServiceError
from ._calls import OperationName, expected_request
from ._factories import make_db_instance
from ._queue import QueuedResponse, ResponseQueue
from ._responses import (
    backup_or_default,
    check_operation,
    dump_model,
    dump_page,
    refuse_fields,
    require_type,
)

if TYPE_CHECKING:
    from typing_extensions import Self


RequestT = TypeVar("RequestT", bound=RequestModel)
ResultT = TypeVar("ResultT", bound=ResponseModel)

_DESCRIBE_DB_INSTANCES = Operation(DescribeDBInstancesRequest, "DBInstances", DBInstance)
_METADATA = {"RequestId": "00000000-0000-4000-8000-000000000000", "RetryAttempts": 0}


class ReplicationStubber:
    """A stubber that serves queued responses to a client's calls, in order.

    While the ``with`` block is active, nothing is sent over the network, credentials
    are not needed, and waits take no time. The boto3 clients for the source Region
    and for KMS, whether passed in or created by the client, share the same queue.

    Example::

        with ReplicationStubber(client) as stubber:
            stubber.add_start(backup_retention_period=14)
            stubber.add_describe([make_automated_backup(status="replicating")])
            backup = start_and_wait(client)

    A call that does not match the next queued response raises ``UnexpectedCall``. If
    the code under test swallows that exception, the stubber raises it again at the
    end of the block. Unused responses raise an ``AssertionError`` there.

    The ``expected`` argument of a method is the operation's request model, or a
    mapping of its fields, which is validated at once. The call must have exactly
    these parameters. If ``expected`` is omitted, the call may have any parameters.

    The code under test must make its calls from one thread at a time.

    Args:
        client: The client to stub. Only ``stub_all_clients`` omits it.

    Raises:
        TypeError: ``client`` is neither a ``BackupReplicationClient`` nor an
            ``AsyncBackupReplicationClient``.
    """

    def __init__(
        self, client: "BackupReplicationClient | aio.AsyncBackupReplicationClient | None" = None
    ) -> None:
        if client is not None:
            require_type(client, ClientBase, "client must be a BackupReplicationClient")
        self._client = client
        self._queue = ResponseQueue()

    def __enter__(self) -> "Self":
        self._queue.open()
        if self._client is not None:
            self._queue.attach(self._client)
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._queue.close()
        unexpected = self._queue.unexpected
        # The code under test may have swallowed the exception, or replaced it with another.
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
        """Queue the response to a start.

        Args:
            result: The backup in the response; by default a pending one.
            expected: The request that the client must send; any if omitted.
            **fields: Fields for ``make_automated_backup``, instead of ``result``.

        Raises:
            TypeError: An argument has the wrong type, or both ``result`` and fields
                are given.
            RequestValidationError: ``expected`` is invalid.
        """
        backup = backup_or_default(result, fields, "pending")
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
        """Queue the response to a stop.

        Args:
            result: The backup in the response; by default one that is still replicating.
            expected: The request that the client must send; any if omitted.
            **fields: Fields for ``make_automated_backup``, instead of ``result``.

        Raises:
            TypeError: An argument has the wrong type, or both ``result`` and fields
                are given.
            RequestValidationError: ``expected`` is invalid.
        """
        backup = backup_or_default(result, fields, "replicating")
        self._add_result(_operations.STOP, backup, expected)

    def add_delete(
        self,
        result: DBInstanceAutomatedBackup | None = None,
        *,
        expected: DeleteDBInstanceAutomatedBackupRequest | Mapping[str, object] | None = None,
        **fields: Any,
    ) -> None:
        """Queue the response to a deletion.

        Args:
            result: The backup in the response; by default one that is being deleted.
            expected: The request that the client must send; any if omitted.
            **fields: Fields for ``make_automated_backup``, instead of ``result``.

        Raises:
            TypeError: An argument has the wrong type, or both ``result`` and fields
                are given.
            RequestValidationError: ``expected`` is invalid.
        """
        backup = backup_or_default(result, fields, "deleting")
        self._add_result(_operations.DELETE, backup, expected)

    def add_restore(
        self,
        result: DBInstance | None = None,
        *,
        expected: RestoreDBInstanceToPointInTimeRequest | Mapping[str, object] | None = None,
        **fields: Any,
    ) -> None:
        """Queue the response to a restore.

        Args:
            result: The instance in the response; by default ``restored`` in us-east-1, with
                the status ``creating``.
            expected: The request that the client must send; any if omitted.
            **fields: Fields for ``make_db_instance``, instead of ``result``.

        Raises:
            TypeError: An argument has the wrong type, or both ``result`` and fields
                are given.
            RequestValidationError: ``expected`` is invalid.
        """
        if result is None:
            name = fields.get("db_instance_identifier", "restored")
            arn = f"arn:aws:rds:us-east-1:123456789012:db:{name}"
            fields = {"db_instance_arn": arn, "db_instance_status": "creating", **fields}
            result = make_db_instance(**fields)
        else:
            refuse_fields(fields)
        self._add_result(RESTORE, result, expected)

    def add_describe(
        self,
        pages: Iterable[DBInstanceAutomatedBackup | Iterable[DBInstanceAutomatedBackup]] = (),
        *,
        expected: DescribeDBInstanceAutomatedBackupsRequest | Mapping[str, object] | None = None,
    ) -> None:
        """Queue the responses to one listing of backups, one response for each page.

        Args:
            pages: The pages. A backup that is not inside a page is a page of its own.
                Without any pages, the listing is empty.
            expected: The request for the first page; any if omitted. A later page is
                expected with its marker. A mapping may call the page size
                ``page_size``, as the client's method does.

        Raises:
            TypeError: An argument has the wrong type.
            RequestValidationError: ``expected`` is invalid.
        """
        self._add_pages(_operations.DESCRIBE, pages, expected)

    def add_describe_source_regions(
        self,
        pages: Iterable[SourceRegion | Iterable[SourceRegion]] = (),
        *,
        expected: DescribeSourceRegionsRequest | Mapping[str, object] | None = None,
    ) -> None:
        """Queue the responses to one listing of source Regions, one response for each page.

        Args:
            pages: The pages. A Region that is not inside a page is a page of its own.
                Without any pages, the listing is empty.
            expected: The request for the first page; any if omitted. A later page is
                expected with its marker.

        Raises:
            TypeError: An argument has the wrong type.
            RequestValidationError: ``expected`` is invalid.
        """
        self._add_pages(_operations.DESCRIBE_SOURCE_REGIONS, pages, expected)

    def add_describe_db_instances(self, *instances: DBInstance) -> None:
        """Queue the source Region's response to ``DescribeDBInstances``.

        Args:
            *instances: The instances in the response. Use ``make_db_instance`` to
                create one.

        Raises:
            TypeError: An argument is not a ``DBInstance``.
        """
        self._add_pages(_DESCRIBE_DB_INSTANCES, [instances], None)

    def add_describe_key(self, key_arn: str, *, key_state: str = "Enabled") -> None:
        """Queue KMS's response to ``DescribeKey``: the key behind an alias, and its state.

        Args:
            key_arn: The ARN of the key.
            key_state: AWS's name of the key's state, such as ``PendingDeletion``.

        Raises:
            ValueError: ``key_arn`` is not the ARN of a KMS key.
        """
        arn = parse_arn(key_arn)
        kind, _, key_id = (arn.resource if arn else "").partition("/")
        if arn is None or arn.service != "kms" or kind != "key":
            raise ValueError(f"key_arn={key_arn!r} is not the ARN of a KMS key")
        metadata = {"KeyId": key_id, "Arn": key_arn, "KeyState": key_state}
        self._add("describe_key", {"KeyMetadata": metadata})

    def add_fault(
        self,
        operation: OperationName,
        fault: type[ServiceError],
        message: str = "Refused by the test.",
        *,
        code: str | None = None,
    ) -> None:
        """Queue an error response, with the error code and HTTP status that RDS uses.

        Args:
            operation: The operation's name in boto3.
            fault: The class of the exception that the client will raise.
            message: The error message.
            code: The error code. It is required for ``ServiceError`` itself, and
                optional for the subclasses, which have their own.

        Raises:
            TypeError: ``fault`` is not ``ServiceError`` or one of its subclasses.
            ValueError: The operation is unknown, the code is missing, or the client
                raises another exception class for the code.
        """
        check_operation(operation)
        if ServiceError not in getattr(fault, "__mro__", ()):
            raise TypeError(f"fault must be a class of ServiceError, not {short_repr(fault)}")
        if code is None and fault is ServiceError:
            raise ValueError("code= is required: ServiceError itself has no error code of its own")
        if code is not None:
            raised = type(service_error(ClientError({"Error": {"Code": code}}, operation)))
            if raised is not fault:
                raise ValueError(
                    f"for code={code!r}, the client raises {raised.__name__}, not {fault.__name__}"
                )

        def deliver(stubber: Stubber) -> None:
            known_code, status = wire_form(fault, stubber.client.meta.service_model)
            stubber.add_client_error(
                operation, code or known_code, message, status, response_meta=_METADATA
            )

        self._queue.pending.append(QueuedResponse(operation, deliver))

    def add_no_answer(self, operation: OperationName, error: BotoCoreError) -> None:
        """Queue the failure of a call that gets no response.

        Args:
            operation: The operation's name in boto3.
            error: The exception that botocore raises, such as
                ``ReadTimeoutError(endpoint_url="https://example.com")``.

        Raises:
            TypeError: ``error`` is not an instance of ``BotoCoreError``.
            ValueError: The operation is unknown.
        """
        check_operation(operation)
        require_type(error, BotoCoreError, "error must be an instance of BotoCoreError")

        def deliver(_: Stubber) -> None:
            raise error

        self._queue.pending.append(QueuedResponse(operation, deliver))

    def assert_no_pending(self) -> None:
        """Check that the code under test has used all queued responses.

        Raises:
            AssertionError: Some responses are unused.
        """
        if self._queue.pending:
            lines = "".join(f"\n  {queued}" for queued in self._queue.pending)
            raise AssertionError(f"responses were queued for these calls, but not used:{lines}")

    def _add_result(
        self,
        operation: Operation[RequestT, ResultT],
        result: ResultT,
        expected: RequestT | Mapping[str, object] | None,
    ) -> None:
        name = operation.result.__name__
        require_type(result, operation.result, f"result must be a {name}, or omitted")
        request = expected_request(operation, expected)
        self._add(
            xform_name(operation.name), {operation.result_member: dump_model(result)}, request
        )

    def _add_pages(
        self,
        operation: Operation[RequestT, ResultT],
        pages: Iterable[ResultT | Iterable[ResultT]],
        expected: RequestT | Mapping[str, object] | None,
    ) -> None:
        if isinstance(pages, operation.result):
            raise TypeError("pages must be a list of pages or models, not one model")
        request = expected_request(operation, expected)
        dumped = [dump_page(operation.result, page) for page in pages] or [[]]
        for number, page in enumerate(dumped, start=1):
            response: dict[str, Any] = {operation.result_member: page}
            if number < len(dumped):
                response["Marker"] = f"page-{number + 1}"
            if request is not None and number > 1:
                request = request.model_copy(update={"marker": f"page-{number}"})
            self._add(xform_name(operation.name), response, request)

    def _add(
        self, method: str, response: Mapping[str, Any], expected: RequestModel | None = None
    ) -> None:
        metadata = {**_METADATA, "HTTPStatusCode": 200}

        def deliver(stubber: Stubber) -> None:
            stubber.add_response(method, {**response, "ResponseMetadata": metadata})

        self._queue.pending.append(QueuedResponse(method, deliver, expected))
