"""Marks that stand for secrets, a search for them, and responses that contain them or fail."""

import pickle
import secrets
import traceback
from collections.abc import Iterator

import pytest

from rds_backup_replication.exceptions import BackupReplicationError
from rds_backup_replication.fleet import ObservedState, PlannedAction, Policy

from .loopback import NoResponse, Reply, Request, Respond, Response, error_xml, result_xml
from .wire import SOURCE_ARN, backup_xml, listing_xml

KEY_ID, SECRET_KEY, TOKEN, ROLE_KEY_ID, ROLE_SECRET, ROLE_TOKEN, URL, PASSWORD = MARKS = tuple(
    prefix + secrets.token_hex(12) for prefix in ("AKIA", "", "", "ASIA", "", "", "", "")
)
SIGNED_URL = f"https://rds.us-west-2.amazonaws.com/?X-Amz-Signature={URL}"
ACCOUNT = "111111111111"
ARN = SOURCE_ARN.replace("123456789012", ACCOUNT)


def leaks(text: str) -> list[str]:
    """Return the marks in a text; a signature made with a secret counts as a leak, too."""
    return [mark for mark in (*MARKS, "X-Amz-Signature", "x-amz-security") if mark in text]


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error, its cause, the cause of its cause, and so on."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def all_of(error: BaseException) -> str:
    """Return all texts of an error: its message, repr, traceback, attributes and pickle."""
    texts = [str(error), repr(error), *traceback.format_exception(error)]
    texts += [repr(getattr(error, "errors", None)), repr(getattr(error, "args", None))]
    if isinstance(error, BackupReplicationError):
        texts.append(pickle.dumps(error, 0).decode("ascii"))
    return "\n".join(texts)


# Responses


def role_credentials(expiration: str = "2099-01-01T00:00:00Z") -> str:
    return (
        f"<Credentials><AccessKeyId>{ROLE_KEY_ID}</AccessKeyId>"
        f"<SecretAccessKey>{ROLE_SECRET}</SecretAccessKey>"
        f"<SessionToken>{ROLE_TOKEN}</SessionToken>"
        f"<Expiration>{expiration}</Expiration></Credentials>"
    )


ROLE = result_xml("AssumeRole", role_credentials()).replace("rds.amazonaws", "sts.amazonaws")
INSTANCE = (
    f"<DBInstance><DBInstanceArn>{ARN}</DBInstanceArn><DBInstanceStatus>available</DBInstanceStatus>"
    "<DBInstanceIdentifier>mydatabase</DBInstanceIdentifier><Engine>postgres</Engine>"
    "<BackupRetentionPeriod>7</BackupRetentionPeriod><DbiResourceId>db-1</DbiResourceId>"
    "<TagList><Tag><Key>env</Key><Value>prod</Value></Tag></TagList></DBInstance>"
)
REGION_ROW = (
    "<SourceRegion><RegionName>us-west-2</RegionName><SupportsDBInstanceAutomatedBackups"
    "Replication>true</SupportsDBInstanceAutomatedBackupsReplication></SourceRegion>"
)


def works(request: Request) -> Reply:
    """Return the response of an AWS where every request succeeds."""
    action = request.parameters["Action"]
    if action == "AssumeRole":
        return Response(ROLE)
    if action == "DescribeDBInstances":
        return Response(result_xml(action, f"<DBInstances>{INSTANCE}</DBInstances>"))
    if action == "DescribeSourceRegions":
        return Response(result_xml(action, f"<SourceRegions>{REGION_ROW}</SourceRegions>"))
    if action == "DescribeDBInstanceAutomatedBackups":
        return Response(listing_xml())
    return Response(result_xml(action, backup_xml(DBInstanceArn=ARN)))


def rds_answers(status: int, body: str) -> Respond:
    """Return a handler that gives every RDS request this response."""

    def answer(request: Request) -> Reply:
        return (
            works(request)
            if request.parameters["Action"] == "AssumeRole"
            else Response(body, status)
        )

    return answer


def sts_answers(status: int, body: str) -> Respond:
    """Return a handler that gives every STS request this response."""

    def answer(request: Request) -> Reply:
        return (
            Response(body, status)
            if request.parameters["Action"] == "AssumeRole"
            else works(request)
        )

    return answer


def start_refused(request: Request) -> Reply:
    if request.parameters["Action"].startswith("Start"):
        return Response(error_xml("KMSKeyNotAccessibleFault", "No key."), 400)
    return works(request)


def nothing(_: Request) -> Reply:
    """Return no response: the server closes the connection."""
    return NoResponse.CLOSE


CANONICAL = "The Canonical String for this request should have been"


def signature_refused(code: str, token: str, sentence: str = CANONICAL) -> str:
    """Return AWS's error for a bad signature, which repeats the headers that it covers."""
    return error_xml(
        code,
        f"The signatures differ.\n\n{sentence}\n"
        f"'POST\n/\n\nhost:rds.us-east-1.amazonaws.com\nx-amz-security-token:{token}\n'",
    )


HTML = "<!doctype html><html><body><h1>Sign in<p>Wrong host"
ANSWERS: dict[str, Respond] = {
    "all is well": works,
    "refused": start_refused,
    "denied": rds_answers(403, error_xml("AccessDenied")),
    "signature": rds_answers(403, signature_refused("SignatureDoesNotMatch", TOKEN)),
    "throttled": rds_answers(400, error_xml("Throttling", "Rate exceeded")),
    "failing": rds_answers(503, error_xml("ServiceUnavailable")),
    "unreachable": nothing,
    "unreadable": rds_answers(200, "<StartDBInstance"),
    "no result": rds_answers(200, "<a/>"),
    "HTML": rds_answers(200, HTML),
    "HTML of a gateway": rds_answers(502, HTML),
    "STS denies": sts_answers(403, error_xml("AccessDenied", "Not you.")),
    "STS signature": sts_answers(
        403,
        signature_refused("SignatureDoesNotMatch", TOKEN, "A sentence that AWS may use one day:"),
    ),
    "STS truncated": sts_answers(200, ROLE[: ROLE.index("</Expiration>")]),
    "STS truncated and refused": sts_answers(400, ROLE[: ROLE.index("</Expiration>")]),
    "STS without an expiration": sts_answers(
        200, ROLE.replace("<Expiration>2099-01-01T00:00:00Z", "<E>")
    ),
    "STS with an invalid expiration": sts_answers(200, ROLE.replace("2099-01-01", "someday")),
    "STS expired": sts_answers(200, ROLE.replace("2099", "2001")),
    "STS HTML": sts_answers(200, HTML),
    "STS fails": sts_answers(500, ROLE),
}

# `make check` tests all of them.
_IN_SHORT_RUNS = ("refused", "unreadable", "STS truncated")
ALL = [
    pytest.param(kind, marks=() if kind in _IN_SHORT_RUNS else pytest.mark.long) for kind in ANSWERS
]
OF_STS = [param for param in ALL if "STS" in str(param.values[0])]

POLICY = Policy.from_yaml(f"""
accounts:
  - {{id: "{ACCOUNT}", role_arn: "arn:aws:iam::{ACCOUNT}:role/audit", external_id: shibboleth}}
rules:
  - {{name: production, source_regions: [us-west-2], destination_region: us-east-1}}
""")
START_ACTION = PlannedAction(
    kind="start",
    account_id=ACCOUNT,
    source_region="us-west-2",
    destination_region="us-east-1",
    source_db_instance_arn=ARN,
    rule="production",
    observed=ObservedState(dbi_resource_id="db-1"),
)
