"""Response bodies like those of RDS: realistic, repeatable and of any length."""

import re

from tests.loopback import result_xml

REGION = "us-east-1"
SOURCE_ARN = "arn:aws:rds:us-west-2:123456789012:db:mydatabase"
PAGE_SIZE = 100

_KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
_MARKER = re.compile(rb"(?:^|&)Marker=page-(\d+)")


def result_body(operation: str, result: str) -> bytes:
    """Return the body of a successful response of the query protocol."""
    return result_xml(operation, result).encode()


def _backup(number: int) -> str:
    """Return a replicated backup with the 22 fields that RDS returns for encrypted PostgreSQL."""
    name = f"orders-{number:04}"
    return (
        f"<DBInstanceArn>arn:aws:rds:us-west-2:123456789012:db:{name}</DBInstanceArn>"
        f"<DbiResourceId>db-JKIB2GFQ5RV7REPLZA4EXAM{number:04}</DbiResourceId>"
        f"<Region>us-west-2</Region><DBInstanceIdentifier>{name}</DBInstanceIdentifier>"
        f"<RestoreWindow><EarliestTime>2026-01-04T23:13:{number % 60:02}.030Z</EarliestTime>"
        f"<LatestTime>2026-01-18T19:59:{number % 60:02}Z</LatestTime></RestoreWindow>"
        f"<AllocatedStorage>{100 + number}</AllocatedStorage><Status>replicating</Status>"
        f"<Port>5432</Port><InstanceCreateTime>2025-12-04T15:28:{number % 60:02}.417Z"
        "</InstanceCreateTime><MasterUsername>postgres</MasterUsername><Engine>postgres</Engine>"
        "<EngineVersion>16.4</EngineVersion><LicenseModel>postgresql-license</LicenseModel>"
        "<OptionGroupName>default:postgres-16</OptionGroupName><Encrypted>true</Encrypted>"
        f"<StorageType>gp3</StorageType><KmsKeyId>{_KEY}</KmsKeyId>"
        "<IAMDatabaseAuthenticationEnabled>false</IAMDatabaseAuthenticationEnabled>"
        "<BackupRetentionPeriod>14</BackupRetentionPeriod><DBInstanceAutomatedBackupsArn>"
        f"arn:aws:rds:{REGION}:123456789012:auto-backup:ab-jkib2gfq5rv7replzadausbrktni2{number:04}"
        "</DBInstanceAutomatedBackupsArn><BackupTarget>region</BackupTarget><TagList>"
        "<Tag><Key>env</Key><Value>prod</Value></Tag>"
        f"<Tag><Key>team</Key><Value>orders-{number % 7}</Value></Tag></TagList>"
    )


def start_body() -> bytes:
    """Return the body of the response to a start."""
    backup = _backup(0).replace(">replicating<", ">pending<")
    return result_body(
        "StartDBInstanceAutomatedBackupsReplication",
        f"<DBInstanceAutomatedBackup>{backup}</DBInstanceAutomatedBackup>",
    )


class Listing:
    """The pages of a listing with a given number of backups, served by the request's marker."""

    def __init__(self, records: int, page_size: int = PAGE_SIZE) -> None:
        sizes = [page_size] * (records // page_size)
        if records % page_size:
            sizes.append(records % page_size)
        self._sizes = sizes
        # Pages of equal size share one body and differ only in their markers. So the length of a
        # listing does not affect the measured memory of the process.
        self._pages = {size: _page(size) for size in set(sizes)}

    def __call__(self, request_body: bytes) -> bytes:
        """Return the body of the response to a request."""
        number = _page_number(request_body)
        page = self._pages[self._sizes[number]]
        next_number = number + 1
        marker = (
            b"<Marker>page-%d</Marker>" % next_number if next_number < len(self._sizes) else b""
        )
        return page.replace(b"<Marker/>", marker, 1)


def _page(size: int) -> bytes:
    backups = "".join(
        f"<DBInstanceAutomatedBackup>{_backup(number)}</DBInstanceAutomatedBackup>"
        for number in range(size)
    )
    return result_body(
        "DescribeDBInstanceAutomatedBackups",
        f"<Marker/><DBInstanceAutomatedBackups>{backups}</DBInstanceAutomatedBackups>",
    )


def _page_number(request_body: bytes) -> int:
    match = _MARKER.search(request_body)
    return int(match[1]) if match else 0
