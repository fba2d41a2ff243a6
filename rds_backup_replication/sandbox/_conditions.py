"""The conditions that a test sets in the Regions of a sandbox."""

from ._faults import FaultQueue
from ._lifecycle import Behavior
from ._outages import Outages
from ._regions import is_region
from ._state import State


class Conditions:
    """The part of a sandbox that changes what its Regions offer."""

    def __init__(self, behavior: Behavior) -> None:
        self._state = State(behavior)
        self._faults = FaultQueue()
        self._outages = Outages()

    def _reset_conditions(self) -> None:
        self._state.reset()
        self._faults.clear()
        self._outages.clear()

    def region_down(self, region_name: str, *services: str) -> None:
        """Switch a Region off until ``region_up`` or ``reset``.

        The sandbox closes the connection of each request that is signed for the Region, so
        that the request has no effect and no response. Nothing that the Region holds changes.

        Args:
            region_name: The Region.
            *services: The only services to switch off, under the names that requests are
                signed with, such as ``rds``, ``kms``, ``ec2``, ``s3`` and ``sts``. Every
                service if omitted.

        Raises:
            ValueError: There is no such Region.
        """
        self._outages.begin(_known(region_name), services)

    def region_up(self, region_name: str) -> None:
        """Switch a Region on again.

        Args:
            region_name: The Region, also one that was not switched off.

        Raises:
            ValueError: There is no such Region.
        """
        self._outages.end(_known(region_name))

    @property
    def regions_down(self) -> tuple[str, ...]:
        """Return the Regions that are switched off, wholly or in part."""
        return self._outages.regions

    def set_endpoint(
        self,
        region_name: str,
        db_instance_identifier: str,
        host: str,
        port: int,
        *,
        account_id: str | None = None,
    ) -> None:
        """Set the endpoint that a DB instance reports, for example of a local database.

        The name decides, so the instance need not exist yet; ``*`` and ``?`` are wildcards, for
        names that only a drill knows. A restored instance reports the endpoint once it is
        available. ``reset`` removes the setting.

        Args:
            region_name: The instance's Region.
            db_instance_identifier: The instance's identifier, or a pattern. An exact
                identifier takes precedence.
            host: The address.
            port: The TCP port.
            account_id: The only account to set the endpoint in; every account if omitted.

        Raises:
            ValueError: There is no such Region.
        """
        key = (_known(region_name), db_instance_identifier.lower(), account_id)
        with self._state.lock:
            self._state.endpoints[key] = (host, port)

    def make_unorderable(
        self, region_name: str, db_instance_class: str, *, availability_zone: str | None = None
    ) -> None:
        """Stop offering a class of DB instances in a Region, until ``reset``.

        ``DescribeOrderableDBInstanceOptions`` omits the class, and a restore from a replicated
        backup is refused.

        Args:
            region_name: The Region.
            db_instance_class: The class, such as ``db.r6g.large``.
            availability_zone: The only zone that does not offer the class; every zone if
                omitted.

        Raises:
            ValueError: There is no such Region.
        """
        with self._state.lock:
            self._state.unorderable.add((_known(region_name), db_instance_class, availability_zone))


def _known(region_name: str) -> str:
    """Return the Region, or raise if there is none of that name."""
    if not is_region(region_name):
        raise ValueError(f"region_name={region_name!r} is not a Region that the sandbox knows")
    return region_name
