"""A testing kit for code that uses this library: queued responses and valid models.

The kit does not need pytest. Its pytest fixtures are in ``plugin``, which pytest
discovers on its own.
"""

from typing import TYPE_CHECKING

from .._lazy_imports import lazy_names

if TYPE_CHECKING:
    from ._calls import UnexpectedCall
    from ._factories import (
        make_additional_storage_volume,
        make_automated_backup,
        make_db_instance,
        make_db_instance_automated_backups_replication,
        make_delete_db_instance_automated_backup_request,
        make_describe_db_instance_automated_backups_request,
        make_describe_source_regions_request,
        make_endpoint,
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
    from ._instance_factories import (
        make_additional_storage_volume_output,
        make_availability_zone,
        make_certificate_details,
        make_db_instance_role,
        make_db_instance_status_info,
        make_db_parameter_group_status,
        make_db_security_group_membership,
        make_db_subnet_group,
        make_domain_membership,
        make_master_user_secret,
        make_option_group_membership,
        make_outpost,
        make_pending_cloudwatch_logs_exports,
        make_pending_modified_values,
        make_primary_endpoint,
        make_subnet,
        make_vpc_security_group_membership,
    )
    from ._patches import instant_waits, stub_all_clients
    from ._result_factories import (
        make_api_call,
        make_check_reason,
        make_check_result,
        make_ensure_result,
        make_replacement_progress,
    )
    from ._stubber import ReplicationStubber

__all__ = [
    "ReplicationStubber",
    "UnexpectedCall",
    "instant_waits",
    "make_additional_storage_volume",
    "make_additional_storage_volume_output",
    "make_api_call",
    "make_automated_backup",
    "make_availability_zone",
    "make_certificate_details",
    "make_check_reason",
    "make_check_result",
    "make_db_instance",
    "make_db_instance_automated_backups_replication",
    "make_db_instance_role",
    "make_db_instance_status_info",
    "make_db_parameter_group_status",
    "make_db_security_group_membership",
    "make_db_subnet_group",
    "make_delete_db_instance_automated_backup_request",
    "make_describe_db_instance_automated_backups_request",
    "make_describe_source_regions_request",
    "make_domain_membership",
    "make_endpoint",
    "make_ensure_result",
    "make_filter",
    "make_master_user_secret",
    "make_option_group_membership",
    "make_outpost",
    "make_pending_cloudwatch_logs_exports",
    "make_pending_modified_values",
    "make_primary_endpoint",
    "make_processor_feature",
    "make_replacement_progress",
    "make_restore_db_instance_to_point_in_time_request",
    "make_restore_window",
    "make_source_region",
    "make_start_db_instance_automated_backups_replication_request",
    "make_stop_db_instance_automated_backups_replication_request",
    "make_subnet",
    "make_tag",
    "make_tag_specification",
    "make_vpc_security_group_membership",
    "stub_all_clients",
]

# The names that are not listed here are factories.
_HOMES = {
    "ReplicationStubber": "_stubber",
    "UnexpectedCall": "_calls",
    "instant_waits": "_patches",
    "make_additional_storage_volume_output": "_instance_factories",
    "make_availability_zone": "_instance_factories",
    "make_certificate_details": "_instance_factories",
    "make_api_call": "_result_factories",
    "make_check_reason": "_result_factories",
    "make_check_result": "_result_factories",
    "make_db_instance_role": "_instance_factories",
    "make_db_instance_status_info": "_instance_factories",
    "make_db_parameter_group_status": "_instance_factories",
    "make_db_security_group_membership": "_instance_factories",
    "make_db_subnet_group": "_instance_factories",
    "make_domain_membership": "_instance_factories",
    "make_ensure_result": "_result_factories",
    "make_master_user_secret": "_instance_factories",
    "make_option_group_membership": "_instance_factories",
    "make_outpost": "_instance_factories",
    "make_pending_cloudwatch_logs_exports": "_instance_factories",
    "make_pending_modified_values": "_instance_factories",
    "make_primary_endpoint": "_instance_factories",
    "make_replacement_progress": "_result_factories",
    "make_subnet": "_instance_factories",
    "make_vpc_security_group_membership": "_instance_factories",
    "stub_all_clients": "_patches",
}

if not TYPE_CHECKING:  # type checkers would accept any name if they saw __getattr__
    __getattr__, __dir__ = lazy_names(__name__, __all__, _HOMES, "_factories")
