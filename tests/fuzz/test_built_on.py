"""Any value of any parameter of what is built on the operations is refused, or is asked with."""

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
    "find_replicated_backup": {"source_db_instance_arn": (SOURCE_ARN,)},
    "ensure_stopped": {"source_db_instance_arn": (SOURCE_ARN,)},
    "ensure_replication": {
        "source_db_instance_arn": (SOURCE_ARN,),
        "backup_retention_period": (None, 1, 35, 36),
        "kms_key_id": (None, KMS_KEY_ARN, "alias/a"),
        "tags": (None, {}, {"env": "prod"}, {"aws:a": "b"}),
        "replace": (True, False),
    },
    "check_replication": {
        "source_db_instance_arn": (SOURCE_ARN,),
        "kms_key_id": (None, KMS_KEY_ARN),
        "source_client": (None,),
    },
    "wait_until_replicating": _WAIT,
    "wait_until_stopped": _WAIT,
}
# Python's own error, as for a function of Python.
_NO_PARAMETERS_OF_RDS = ("on_poll", "replace", "source_client")
THROTTLED = Response(error_xml("Throttling", "Rate exceeded"), 400)
DENIED = Response(error_xml("AccessDenied"), 403)
_odd = st.integers(0, 4).map(lambda number: number == 0)


class StrictClock(InstantClock):
    """Sleeps no longer than a true one can."""

    def sleep(self, seconds: float, /) -> None:
        assert 0 <= seconds <= threading.TIMEOUT_MAX
        super().sleep(seconds)


@st.composite
def keywords(draw: st.DrawFn, offered: dict[str, tuple[Any, ...]]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, values in offered.items():
        value = draw(st.sampled_from(values))
        given[name] = draw(junk | near(value)) if draw(_odd) else value
    return given


@pytest.mark.parametrize("name", METHODS)
def test_a_method_refuses_or_asks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Context, "clock", StrictClock())
    wire = wire_to("us-east-1")

    @settings(max_examples=scaled(30), deadline=None)
    @given(keywords(METHODS[name]))
    def run(given: dict[str, Any]) -> None:
        wire.clear(THROTTLED, THROTTLED, DENIED)
        FIGURES["calls of methods built on operations"] += 1
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
            assert _blamed(refused) <= given.keys()

    run()


def _blamed(refused: Exception) -> set[str]:
    if not isinstance(refused, RequestValidationError):
        name = str(refused).partition("=")[0]
        assert name in _NO_PARAMETERS_OF_RDS, refused
        return {name}
    return {mistake.parameter.partition("[")[0].partition(".")[0] for mistake in refused.errors}
