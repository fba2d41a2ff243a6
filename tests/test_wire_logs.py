"""Tests of what logs and tracebacks omit."""

import logging
import traceback

import pytest
from botocore.exceptions import (
    ConnectionClosedError,
)

from rds_backup_replication.exceptions import (
    DBInstanceNotFoundFault,
    InvalidParameterValueError,
    ResponseValidationError,
)

from .calls import START, STARTED, start
from .loopback import REQUEST_ID, error_xml
from .wire import SOURCE_ARN, ScriptedRDS


def test_log_omits_parameters(rds: ScriptedRDS, caplog: pytest.LogCaptureFixture) -> None:
    rds.answers(STARTED)
    rds.answers(error_xml("DBInstanceNotFound"), 404)
    rds.answers("hello")
    rds.resets()
    client = rds.client()
    with caplog.at_level(logging.DEBUG, "rds_backup_replication"):
        for error_type in (
            None,
            DBInstanceNotFoundFault,
            ResponseValidationError,
            ConnectionClosedError,
        ):
            if error_type is None:
                client.start_db_instance_automated_backups_replication(
                    source_db_instance_arn=SOURCE_ARN, pre_signed_url="https://secret.example/4f2a"
                )
            else:
                with pytest.raises(error_type):
                    start(client)
    lines = [record.getMessage() for record in caplog.records if "rds_backup" in record.name]
    assert [line.rsplit(",", 1)[0] for line in lines] == [
        f"{START} in us-east-1: {REQUEST_ID}",
        f"{START} in us-east-1: DBInstanceNotFound, {REQUEST_ID}",
        f"{START} in us-east-1: invalid response",
        f"{START} in us-east-1: no response",
    ]
    assert all(line.endswith(" ms") for line in lines)
    assert "4f2a" not in " ".join(lines)


def test_traceback_omits_presigned_url(rds: ScriptedRDS) -> None:
    rds.answers(error_xml("InvalidParameterValue", "PreSignedUrl could not be authenticated."), 400)
    # A traceback shows the lines of the call, so the URL is defined outside of it.
    secret = "https://secret.example/4f2a"
    with pytest.raises(InvalidParameterValueError) as caught:
        rds.client().start_db_instance_automated_backups_replication(
            source_db_instance_arn=SOURCE_ARN, pre_signed_url=secret
        )
    assert "4f2a" not in "".join(traceback.format_exception(caught.value))
