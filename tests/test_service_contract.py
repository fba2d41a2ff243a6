"""Comparison of models, faults and names with the service model of the installed botocore.

AWS adds members and faults every few months. These tests name the missing ones.
"""

from datetime import datetime
from types import GenericAlias
from typing import Any, get_args, get_type_hints

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import ListShape, OperationModel, Shape, StructureShape
from pydantic import BaseModel

import rds_backup_replication as package
from rds_backup_replication import _operations, exceptions
from rds_backup_replication._models import ResponseModel, SourceInstance
from rds_backup_replication._operations import Operation
from rds_backup_replication._restore import RESTORE

SERVICE = botocore.session.get_session().get_service_model("rds")
OPERATIONS: list[Operation[Any, Any]] = [
    *(value for value in vars(_operations).values() if isinstance(value, Operation)),
    RESTORE,
]
# RDS can also restore from an instance. This library restores only from replicated backups.
OMITTED = {
    "RestoreDBInstanceToPointInTimeMessage": {"SourceDBInstanceIdentifier", "SourceDbiResourceId"}
}
PLAIN_TYPES = {
    "boolean": bool,
    "integer": int,
    "long": int,
    "string": str,
    "timestamp": datetime,
}


def operation_model(operation: Operation[Any, Any]) -> OperationModel:
    return SERVICE.operation_model(operation.name)


def structures(shape: Shape) -> dict[str, StructureShape]:
    """Return the structures within a shape, by name."""
    if isinstance(shape, ListShape):
        return structures(shape.member)
    if not isinstance(shape, StructureShape):
        return {}
    found = {shape.name: shape}
    for member in shape.members.values():
        found.update(structures(member))
    return found


def python_type(shape: Shape) -> Any:
    """Return the type of a response's field for a member of this shape."""
    if isinstance(shape, ListShape):
        return GenericAlias(tuple, (python_type(shape.member), ...))
    if isinstance(shape, StructureShape):
        return getattr(package, shape.name)
    return PLAIN_TYPES[shape.type_name]


def mirrored_shapes() -> list[tuple[type[BaseModel], StructureShape]]:
    """Return each model with the shape that the model mirrors."""
    pairs: dict[type[BaseModel], StructureShape] = {}
    for operation in OPERATIONS:
        input_shape = operation_model(operation).input_shape
        assert isinstance(input_shape, StructureShape)
        pairs[operation.request] = input_shape
        nested = structures(input_shape)
        del nested[input_shape.name]
        output_shape = operation_model(operation).output_shape
        assert isinstance(output_shape, StructureShape)
        nested.update(structures(output_shape.members[operation.result_member]))
        pairs.update({getattr(package, name): shape for name, shape in nested.items()})
    return list(pairs.items())


def test_wrapped_operations() -> None:
    assert {operation.name for operation in OPERATIONS} == {
        "StartDBInstanceAutomatedBackupsReplication",
        "StopDBInstanceAutomatedBackupsReplication",
        "DescribeDBInstanceAutomatedBackups",
        "DeleteDBInstanceAutomatedBackup",
        "DescribeSourceRegions",
        "RestoreDBInstanceToPointInTime",
    }


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_operation_has_method_with_boto3_name(operation: Operation[Any, Any]) -> None:
    assert callable(getattr(package.BackupReplicationClient, xform_name(operation.name)))
    assert operation.request.__name__ == f"{operation.name}Request"


@pytest.mark.parametrize(
    ("model", "shape"), mirrored_shapes(), ids=lambda value: getattr(value, "name", "")
)
def test_model_has_every_member_of_its_shape(model: type[BaseModel], shape: StructureShape) -> None:
    fields = {field.alias: name for name, field in model.model_fields.items()}
    missing = set(shape.members) - set(fields) - OMITTED.get(shape.name, set())
    assert not missing, f"{model.__name__} lacks {sorted(missing)} of {shape.name}"
    for member in set(shape.members) & set(fields):
        assert fields[member] == xform_name(member)


@pytest.mark.parametrize(
    ("model", "shape"), mirrored_shapes(), ids=lambda value: getattr(value, "name", "")
)
def test_response_field_has_type_of_its_member(
    model: type[BaseModel], shape: StructureShape
) -> None:
    if issubclass(model, ResponseModel):
        hints = get_type_hints(model)
        for name, member in shape.members.items():
            hint = hints[xform_name(name)]
            expected = python_type(member)
            assert expected in (hint, *get_args(hint)), f"{model.__name__}: {name} is {hint}"


def test_contract_covers_every_response_model() -> None:
    public = {getattr(package, name) for name in package.__all__}
    models = {v for v in public if isinstance(v, type) and issubclass(v, ResponseModel)}
    assert models <= {model for model, _ in mirrored_shapes()}


def test_source_instance_has_fields_of_db_instance() -> None:
    hints = get_type_hints(package.DBInstance)
    for name, field in SourceInstance.model_fields.items():
        assert field.alias == package.DBInstance.model_fields[name].alias
        assert get_type_hints(SourceInstance)[name] == hints[name]


@pytest.mark.parametrize(
    ("model", "shape"), mirrored_shapes(), ids=lambda value: getattr(value, "name", "")
)
def test_repr_hides_sensitive_members(model: type[BaseModel], shape: StructureShape) -> None:
    for name, field in model.model_fields.items():
        member = shape.members.get(str(field.alias))
        if member is not None and member.metadata.get("sensitive"):
            assert not field.repr, f"{model.__name__}.{name} is a secret"


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_every_fault_of_an_operation_has_a_class(operation: Operation[Any, Any]) -> None:
    for shape in operation_model(operation).error_shapes:
        assert issubclass(getattr(exceptions, shape.name), exceptions.ServiceError)
