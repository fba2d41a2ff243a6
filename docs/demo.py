"""A replication from start to stop on the sandbox, without an AWS account or network access."""

from rds_backup_replication import DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import BackupReplicationError
from rds_backup_replication.sandbox import Sandbox

SOURCE, DESTINATION = "us-west-2", "us-east-1"


def heading(text: str) -> None:
    print(f"\n== {text}")


def print_status(backup: DBInstanceAutomatedBackup | None) -> None:
    print(f"status: {backup.status if backup else 'no backup found'}")


def show_errors(sandbox: Sandbox, source_arn: str, key_arn: str) -> None:
    heading("Error 1: a client for the source's own Region, and two more errors in the same call")
    try:
        sandbox.client(SOURCE).start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn, backup_retention_period=36, tags={"aws:team": "dba"}
        )
    except BackupReplicationError as error:
        print(f"{type(error).__name__}: {error}")
    heading("Error 2: a KMS key that does not exist in the destination Region")
    try:
        sandbox.client(DESTINATION).start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn, kms_key_id=f"{key_arn[:-4]}0000"
        )
    except BackupReplicationError as error:
        print(f"{type(error).__name__}: {error}")


def main() -> None:
    with Sandbox() as sandbox:
        heading(f"An encrypted source instance in {SOURCE}, and a KMS key in {DESTINATION}")
        source_arn = str(
            sandbox.create_db_instance(SOURCE, "mydatabase", StorageEncrypted=True).db_instance_arn
        )
        key = sandbox.boto3_client("kms", DESTINATION).create_key()["KeyMetadata"]
        key_arn = str(key["Arn"])
        print(f"{source_arn}\n{key_arn}")

        show_errors(sandbox, source_arn, key_arn)

        client = sandbox.client(DESTINATION)
        heading("Check first: what would block a start?")
        for reason in client.check_replication(source_db_instance_arn=source_arn):
            print(f"{reason.code}: {reason.message}\n  {reason.remedy}")

        heading("Ensure replication, twice: the second call changes nothing")
        for _ in range(2):
            result = client.ensure_replication(
                source_db_instance_arn=source_arn,
                backup_retention_period=14,
                kms_key_id=key_arn,
                tags={"env": "prod", "owner": "platform"},
            )
            print(f"{result.action}: {result.backup.db_instance_automated_backups_arn}")

        heading("Wait until the backup can be restored")
        backup = client.wait_until_replicating(
            source_db_instance_arn=source_arn, on_poll=print_status
        )
        window = backup.restore_window
        print(f"latest restorable time: {window and window.latest_time}")
        print(f"data loss if the source failed now: {backup.lag()}")

        heading(f"All automated backups in {DESTINATION}")
        for backup in client.describe_db_instance_automated_backups():
            tags = {tag.key: tag.value for tag in backup.tag_list or ()}
            print(f"{backup.db_instance_identifier} from {backup.region}: {backup.status}, {tags}")

        heading("Stop: the backup is retained until its retention period ends")
        client.ensure_stopped(source_db_instance_arn=source_arn)
        client.wait_until_stopped(source_db_instance_arn=source_arn, on_poll=print_status)


if __name__ == "__main__":
    main()
