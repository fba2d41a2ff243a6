"""A kit for tests of code that uses this library: stand-in answers and valid models.

It needs no pytest; pytest's fixtures are in ``plugin``, which pytest finds by itself.
"""

from typing import TYPE_CHECKING

from .._lazy_imports import lazy_names

if TYPE_CHECKING:
    from ._calls import UnexpectedCall
    from ._factories import (
        make_additional_storage_volume,
        make_automated_backup,
        make_check_reason,
        make_db_instance,
        make_db_instance_automated_backups_replication,
        make_delete_db_instance_automated_backup_request,
        make_describe_db_instance_automated_backups_request,
        make_describe_source_regions_request,
        make_endpoint,
        make_ensure_result,
        make_filter,
        make_processor_feature,
        make_restore_db_instance_to_point_in_time_request,
        make_restore_window,
        make_source_region,
        make_start_db_instance_automated_backups_replication_request,
        make_stop_db_instance_automated_backups_replication_request,
        make_tag,
        make_tag_specification,
    )
    from ._stubber import ReplicationStubber, instant_waits, stub_all_clients

__all__ = [
    "ReplicationStubber",
    "UnexpectedCall",
    "instant_waits",
    "make_additional_storage_volume",
    "make_automated_backup",
    "make_check_reason",
    "make_db_instance",
    "make_db_instance_automated_backups_replication",
    "make_delete_db_instance_automated_backup_request",
    "make_describe_db_instance_automated_backups_request",
    "make_describe_source_regions_request",
    "make_endpoint",
    "make_ensure_result",
    "make_filter",
    "make_processor_feature",
    "make_restore_db_instance_to_point_in_time_request",
    "make_restore_window",
    "make_source_region",
    "make_start_db_instance_automated_backups_replication_request",
    "make_stop_db_instance_automated_backups_replication_request",
    "make_tag",
    "make_tag_specification",
    "stub_all_clients",
]

# All other names are factories.
_HOMES = {
    "ReplicationStubber": "_stubber",
    "UnexpectedCall": "_calls",
    "instant_waits": "_stubber",
    "stub_all_clients": "_stubber",
}

if not TYPE_CHECKING:  # with it, type checkers would take any name for one of ours
    __getattr__, __dir__ = lazy_names(__name__, __all__, _HOMES, "_factories")
