"""The Regions that the sandbox knows, and the pairs of them that it supports.

The pairs are those that the Amazon RDS User Guide listed in 2026. AWS keeps adding pairs. To find
out what AWS supports today, call ``describe_source_regions``. A pair has a direction, and many have
no reverse.
"""

from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID

_DESTINATIONS_BY_SOURCE = """
af-south-1: eu-central-1 eu-west-1 eu-west-2
ap-east-1: ap-southeast-1 ap-northeast-1
ap-northeast-1: ap-east-1 ap-northeast-2 ap-northeast-3 ap-southeast-1 us-east-1 us-east-2
ap-northeast-1: us-west-2
ap-northeast-2: ap-southeast-1 ap-northeast-1 us-east-1 us-east-2 us-west-2
ap-northeast-3: ap-northeast-1
ap-south-1: ap-south-2 ap-southeast-1 us-east-1 us-east-2 us-west-2
ap-south-2: ap-south-1
ap-southeast-1: ap-east-1 ap-southeast-5 ap-south-1 ap-northeast-1 ap-northeast-2 ap-southeast-2
ap-southeast-1: us-east-1 us-east-2 us-west-2
ap-southeast-2: ap-southeast-4 ap-southeast-1 us-east-1 us-west-1 us-west-2
ap-southeast-3: ap-southeast-5 ap-southeast-1
ap-southeast-4: ap-southeast-2
ap-southeast-5: ap-southeast-1
ca-central-1: ca-west-1 eu-west-1 us-east-1 us-east-2 us-west-1 us-west-2
ca-west-1: ca-central-1
cn-north-1: cn-northwest-1
cn-northwest-1: cn-north-1
eu-central-1: af-south-1 eu-west-1 eu-west-2 eu-west-3 eu-north-1 eu-central-2 us-east-1 us-east-2
eu-central-1: us-west-2
eu-central-2: eu-central-1 eu-west-1
eu-north-1: eu-central-1 eu-west-1 eu-west-2 eu-west-3 us-east-1
eu-south-1: eu-central-1
eu-south-2: eu-west-1 eu-west-3
eu-west-1: af-south-1 ca-central-1 eu-central-1 eu-central-2 eu-west-2 eu-west-3 eu-north-1
eu-west-1: us-east-1 us-east-2 us-west-1 us-west-2
eu-west-2: af-south-1 eu-central-1 eu-west-1 eu-west-3 eu-north-1 us-east-1
eu-west-3: eu-central-1 eu-west-1 eu-west-2 eu-north-1 us-east-1
il-central-1: eu-west-1
me-central-1: eu-central-1
sa-east-1: us-east-1 us-east-2
us-east-1: ap-south-1 ap-northeast-1 ap-northeast-2 ap-southeast-1 ap-southeast-2 ca-central-1
us-east-1: eu-central-1 eu-west-1 eu-west-2 eu-west-3 eu-north-1 sa-east-1 us-east-2 us-west-1
us-east-1: us-west-2
us-east-2: ap-south-1 ap-northeast-1 ap-northeast-2 ap-southeast-1 ca-central-1 eu-central-1
us-east-2: eu-west-1 sa-east-1 us-east-1 us-west-1 us-west-2
us-gov-east-1: us-gov-west-1
us-gov-west-1: us-gov-east-1
us-west-1: ap-southeast-2 ca-central-1 eu-west-1 us-east-1 us-east-2 us-west-2
us-west-2: ap-south-1 ap-northeast-1 ap-northeast-2 ap-southeast-1 ap-southeast-2 ca-central-1
us-west-2: eu-central-1 eu-west-1 us-east-1 us-east-2 us-west-1
"""

DESTINATIONS: dict[str, frozenset[str]] = {}
for _line in _DESTINATIONS_BY_SOURCE.strip().splitlines():
    _source, _, _destinations = _line.partition(":")
    DESTINATIONS[_source] = DESTINATIONS.get(_source, frozenset()) | set(_destinations.split())


def is_region(name: str) -> bool:
    """Return whether moto knows a Region of this name."""
    known: list[str] = vars(get_backend("rds")[DEFAULT_ACCOUNT_ID])["regions"]
    return name in known
