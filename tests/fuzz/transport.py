"""A client whose requests are recorded and get scripted responses, without a socket."""

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
    """A response body, in the form that botocore reads."""

    def __init__(self, body: str | bytes) -> None:
        self._body = body.encode() if isinstance(body, str) else body

    def stream(self) -> Generator[bytes, None, None]:
        """Yield the body."""
        yield self._body


def make_response(url: str, response: Response) -> AWSResponse:
    """Return a response as botocore would receive it."""
    raw: Any = _Raw(response.body)
    return AWSResponse(url, response.status, HTTPHeaders(), raw)


class Wire:
    """A client, its recorded parameters and requests, and its scripted responses."""

    def __init__(self, region_name: str) -> None:
        config = Config(retries={"total_max_attempts": 1})
        session: Any = shared_session()
        client = session.client("rds", region_name=region_name, config=config)
        source_client = session.client("rds", region_name="us-west-2", config=config)
        self.client = BackupReplicationClient(client=client, source_client=source_client)
        self.parameters: list[dict[str, Any]] = []
        self.requests: list[AWSPreparedRequest] = []
        self.responses: list[Response] = []
        for events in (client.meta.events, source_client.meta.events):
            events.register("before-parameter-build.rds", self._record_parameters)
            events.register("before-send.rds", self._respond)

    def script(self, *responses: Response) -> None:
        """Clear the records, and set the responses in their order. The last one repeats."""
        self.parameters.clear()
        self.requests.clear()
        self.responses = list(responses)

    def _record_parameters(self, params: dict[str, Any], **_: Any) -> None:
        self.parameters.append(dict(params))

    def _respond(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        self.requests.append(request)
        response = self.responses.pop(0) if self.responses[1:] else self.responses[0]
        return make_response(request.url, response)


@cache
def wire_to(region_name: str) -> Wire:
    """Return the wire of a Region, which all examples share."""
    return Wire(region_name)


@cache
def service_model() -> ServiceModel:
    return wire_to("us-east-1").client.client.meta.service_model
