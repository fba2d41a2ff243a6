"""Tests that workflow methods refuse invalid arguments before they send a request."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rds_backup_replication._clock import InstantClock
from rds_backup_replication._context import Context
from rds_backup_replication.exceptions import RequestValidationError, ServiceError, WaitTimeoutError

from ..loopback import Response, error_xml
from ..wire import BACKUP_ARN, KMS_KEY_ARN, SOURCE_ARN
from .figures import FIGURES, scaled
from .junk import junk, near
from .transport import wire_to

_TIMES = (timedelta(0), timedelta(seconds=1), timedelta(days=365), timedelta(days=366))
_WAIT = {
    "source_db_instance_arn": (SOURCE_ARN,),
    "db_instance_automated_backups_arn": (None, BACKUP_ARN),
    "timeout": (*_TIMES, timedelta.max, timedelta.min),
    "poll_interval": (*_TIMES, timedelta.max, timedelta.resolution),
    "on_poll": (None, print),
}
METHODS: dict[str, dict[str, tuple[Any, ...]]] = {
    "find_replicated_backup": {
        "source_db_instance_arn": (SOURCE_ARN,),
        "dbi_resource_id": (None, "db-A", ""),
    },
    "ensure_stopped": {"source_db_instance_arn": (SOURCE_ARN,)},
    "ensure_replication": {
        "source_db_instance_arn": (SOURCE_ARN,),
        "backup_retention_period": (None, 1, 35, 36),
        "kms_key_id": (None, KMS_KEY_ARN, "alias/a"),
        "tags": (None, {}, {"env": "prod"}, {"aws:a": "b"}),
    },
    "replace_replication": {
        "source_db_instance_arn": (SOURCE_ARN,),
        "backup_retention_period": (None, 1, 35, 36),
        "kms_key_id": (None, KMS_KEY_ARN, "alias/a"),
        "tags": (None, {}, {"env": "prod"}, {"aws:a": "b"}),
        "timeout": (*_TIMES, timedelta.max, timedelta.min),
        "poll_interval": (*_TIMES, timedelta.max, timedelta.resolution),
        "on_progress": (None, print),
    },
    "check_replication": {
        "source_db_instance_arn": (SOURCE_ARN,),
        "kms_key_id": (None, KMS_KEY_ARN),
        "backup_retention_period": (None, 1, 35, 36),
        "tags": (None, {}, {"env": "prod"}, {"aws:a": "b"}),
    },
    "wait_until_replicating": _WAIT,
    "wait_until_stopped": _WAIT,
}
# Invalid values of these raise TypeError, because RDS has no such parameters.
_PYTHON_PARAMETERS = ("on_poll", "on_progress")
THROTTLED = Response(error_xml("Throttling", "Rate exceeded"), 400)
DENIED = Response(error_xml("AccessDenied"), 403)
_is_odd = st.integers(0, 4).map(lambda number: number == 0)


class StrictClock(InstantClock):
    """A clock that refuses sleeps for which a real clock would raise an error."""

    def sleep(self, seconds: float, /) -> None:
        assert 0 <= seconds <= threading.TIMEOUT_MAX
        super().sleep(seconds)


@st.composite
def keywords(draw: st.DrawFn, choices: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
    """Draw keywords, mostly from the choices and sometimes junk."""
    given: dict[str, Any] = {}
    for name, values in choices.items():
        value = draw(st.sampled_from(values))
        given[name] = draw(junk | near(value)) if draw(_is_odd) else value
    return given


@pytest.mark.parametrize("name", METHODS)
def test_method_refuses_or_sends_requests(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "clock", StrictClock())
    wire = wire_to("us-east-1")

    @settings(max_examples=scaled(30), deadline=None)
    @given(keywords(METHODS[name]))
    def run(given: dict[str, Any]) -> None:
        wire.script(THROTTLED, THROTTLED, DENIED)
        FIGURES["calls of workflow methods"] += 1
        refused: Exception | None = None
        try:
            getattr(wire.client, name)(**given)
        except (RequestValidationError, TypeError) as error:
            refused = error
        except (ServiceError, WaitTimeoutError):
            assert wire.requests
        except Exception:
            FIGURES["exceptions outside the contract"] += 1
            raise
        if refused is not None:
            FIGURES["requests sent by refused calls"] += len(wire.requests)
            assert wire.requests == []
            assert _parameters_of(refused) <= given.keys()

    run()


def _parameters_of(refused: Exception) -> set[str]:
    """Return the parameters that an error names."""
    if not isinstance(refused, RequestValidationError):
        name = str(refused).partition("=")[0]
        assert name in _PYTHON_PARAMETERS, refused
        return {name}
    return {error.parameter.partition("[")[0].partition(".")[0] for error in refused.errors}
