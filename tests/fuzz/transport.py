"""Where HTTP would begin: what a client would send, and answers to it, without a socket."""

from collections.abc import Generator
from functools import cache
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.model import ServiceModel

from rds_backup_replication import BackupReplicationClient

from ..loopback import Response
from ..wire import shared_session


class _Raw:
    """A body to come, as botocore reads one."""

    def __init__(self, body: str | bytes) -> None:
        self._body = body.encode() if isinstance(body, str) else body

    def stream(self) -> Generator[bytes, None, None]:
        """Yield the body."""
        yield self._body


def received(url: str, response: Response) -> AWSResponse:
    """Return what botocore would receive."""
    raw: Any = _Raw(response.body)
    return AWSResponse(url, response.status, HTTPHeaders(), raw)


class Wire:
    """A client, with what it sends kept and answered."""

    def __init__(self, region_name: str) -> None:
        config = Config(retries={"total_max_attempts": 1})
        self.client = BackupReplicationClient(
            session=shared_session(), region_name=region_name, config=config
        )
        self.parameters: list[dict[str, Any]] = []
        self.requests: list[AWSPreparedRequest] = []
        self.answers: list[Response] = []
        events: Any = self.client.client.meta.events
        events.register("before-parameter-build.rds", self._keep_parameters)
        events.register("before-send.rds", self._answer)

    def clear(self, *answers: Response) -> None:
        """Forgets what was sent; the answers come in order, the last one for ever."""
        self.parameters.clear()
        self.requests.clear()
        self.answers = list(answers)

    def _keep_parameters(self, params: dict[str, Any], **_: Any) -> None:
        self.parameters.append(dict(params))

    def _answer(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.requests.append(request)
        answer = self.answers.pop(0) if self.answers[1:] else self.answers[0]
        return received(request.url, answer)


@cache
def wire_to(region_name: str) -> Wire:
    """One for all examples."""
    return Wire(region_name)


@cache
def service_model() -> ServiceModel:
    return wire_to("us-east-1").client.client.meta.service_model
