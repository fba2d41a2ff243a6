"""What RDS accepts, by its documentation and botocore's model. Nothing here uses the library.

``objections`` judges the parameters for boto3, and ``wire_objections`` the HTTP requests.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.model import OperationModel
from botocore.validate import ParamValidator

MAX_INTEGER = 2**31 - 1
_REGION = "[a-z]+(-[a-z]+)+-[0-9]+"
_INSTANCE = "(?=.{1,63}$)[a-zA-Z]([a-zA-Z0-9]|-(?![-]|$))*"
_NO_OUTER_BLANKS = r"(?s:\S(.*\S)?)"
_ALIAS = "alias/[a-zA-Z0-9:/_-]{1,250}"
_BARE_KEY_ID = "(?=.*[0-9])((mrk-)?[0-9a-fA-F]+(-[0-9a-fA-F]+)*|[0-9A-Z]+(-[0-9A-Z]+)*)"
_KEY_ID = "[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*"
_TAG_PUNCTUATION = set("_.:/=+-@")
# Parameters that only botocore reads, and does not send.
_NOT_SENT = {"SourceRegion"}


class Place(NamedTuple):
    """The endpoint of a client's requests."""

    region_name: str
    partition: str
    host: str


def objections(operation: OperationModel, params: Mapping[str, Any], place: Place) -> list[str]:
    """Return the reasons why RDS would refuse the parameters."""
    assert operation.input_shape is not None
    report: Any = ParamValidator().validate(params, operation.input_shape)
    found = [report.generate_report()] if report.has_errors() else []
    for name, value in _leaves(params):
        if not _is_plain(value):
            found.append(f"{name}: {value!r:.100}")
    for name, value in params.items():
        if not _is_allowed(operation.name, name, value, params, place):
            found.append(f"{name}={value!r:.100}")
    if operation.name == "DeleteDBInstanceAutomatedBackup" and len(params) != 1:
        found.append("not exactly one identifier")
    if operation.name.startswith("Restore") and (
        ("RestoreTime" in params) + (params.get("UseLatestRestorableTime") is True) != 1
        or {"SourceDBInstanceIdentifier", "SourceDbiResourceId"} & params.keys()
        or "SourceDBInstanceAutomatedBackupsArn" not in params
    ):
        found.append("not exactly one time, or not exactly one source")
    return found


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    untyped: Any = value
    if isinstance(value, Mapping) and value:
        for key, item in untyped.items():
            yield from _leaves(item, key)
    elif isinstance(value, list) and value:
        for item in untyped:
            yield from _leaves(item, name)
    elif name:  # an empty list or structure is a leaf, too
        yield name, value


def _is_plain(value: Any) -> bool:
    """Return whether the query protocol can carry a value."""
    if type(value) is str:
        return not any("\ud800" <= character <= "\udfff" for character in value)
    if type(value) is int:
        return -MAX_INTEGER - 1 <= value <= MAX_INTEGER
    if isinstance(value, datetime):
        return value.utcoffset() == timedelta(0)
    return type(value) is bool


def _is_allowed(
    operation: str, name: str, value: Any, params: Mapping[str, Any], place: Place
) -> bool:
    backup, key = (
        f"arn:{place.partition}:{service}:{place.region_name}:[0-9]{{12}}:"
        for service in ("rds", "kms")
    )
    forms = {
        "DBInstanceAutomatedBackupsArn": f"{backup}auto-backup:ab-[a-zA-Z0-9]+",
        "KmsKeyId": f"{key}(key/{_KEY_ID}|{_ALIAS})|{_BARE_KEY_ID}|{_ALIAS}",
        "DBInstanceIdentifier": _NO_OUTER_BLANKS,
        "DbiResourceId": _NO_OUTER_BLANKS,
        "PreSignedUrl": r"https://\S+",
        "RegionName": _REGION,
        "SourceDBInstanceArn": f"arn:{place.partition}:rds:(?!{place.region_name}:){_REGION}:"
        f"[0-9]{{12}}:db:{_INSTANCE}",
        "SourceRegion": params.get("SourceDBInstanceArn", "::::").split(":")[3],
        "TargetDBInstanceIdentifier": _INSTANCE,
    }
    forms["SourceDBInstanceAutomatedBackupsArn"] = forms["DBInstanceAutomatedBackupsArn"]
    forms["MasterUserSecretKmsKeyId"] = forms["KmsKeyId"]
    ranges = {
        "BackupRetentionPeriod": (0 if operation.startswith("Restore") else 1, 35),
        "MaxRecords": (20, 100),
        "Port": (1150, 65535),
    }
    if isinstance(value, str):
        return re.fullmatch(forms.get(name, "(?s:.+)"), value) is not None
    if isinstance(value, int):
        low, high = ranges.get(name, (0, MAX_INTEGER))
        return low <= value <= high
    if name == "Tags":
        return _are_tags(value)
    if name == "TagSpecifications":
        return all(_are_tags(item.get("Tags", [])) for item in value)
    return True


def _are_tags(tags: list[dict[str, str]]) -> bool:
    keys = [tag["Key"] for tag in tags]
    return (
        len(keys) == len(set(keys)) <= 50
        and all(1 <= len(key) <= 128 for key in keys)
        and all(len(tag.get("Value", "")) <= 256 for tag in tags)
        and all(map(_is_tag_text, [text for tag in tags for text in tag.values()]))
    )


def _is_tag_text(text: str) -> bool:
    # Python's tables may not have the newest code points yet.
    return not text.lower().startswith(("aws:", "rds:")) and all(
        character in _TAG_PUNCTUATION
        or unicodedata.category(character)[0] in "LZN"
        or unicodedata.category(character) == "Cn"
        for character in text
    )


def wire_objections(
    operation: OperationModel, params: Mapping[str, Any], request: AWSPreparedRequest, place: Place
) -> list[str]:
    """Return how a request differs from its parameters or goes to another host."""
    body: Any = request.body
    form = dict(parse_qsl(body, keep_blank_values=True, strict_parsing=True))
    signed = form.pop("PreSignedUrl", None)
    head = (request.method, urlsplit(request.url)[:3], form.pop("Action"), form.pop("Version"))
    found: list[str] = []
    if head != ("POST", ("https", place.host, "/"), operation.name, "2014-10-31"):
        found.append(f"sent as {head}")
    sent = {name: value for name, value in params.items() if name not in _NOT_SENT}
    given_url = sent.pop("PreSignedUrl", None)
    if sorted(form.values()) != sorted(_as_text(value) for _, value in _leaves(sent)):
        found.append(f"sent {form}")
    if given_url is not None:
        return found if signed == given_url else [*found, f"signed as {signed!r}"]
    if "SourceRegion" in params:
        host = place.host.replace(place.region_name, params["SourceRegion"])
        if signed is None or not signed.startswith(f"https://{host}/?Action={operation.name}&"):
            found.append(f"signed as {signed!r}")
    elif signed is not None:
        found.append("signed without a source Region")
    return found


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    return str(value)
