"""The main job from end to end, on the sandbox: no AWS account, nothing leaves this machine."""

from rds_backup_replication import DBInstanceAutomatedBackup
from rds_backup_replication.exceptions import BackupReplicationError
from rds_backup_replication.sandbox import Sandbox

SOURCE, DESTINATION = "us-west-2", "us-east-1"


def heading(text: str) -> None:
    print(f"\n== {text}")


def show(backup: DBInstanceAutomatedBackup | None) -> None:
    print(f"status: {backup.status if backup else 'nothing seen'}")


def show_mistakes(sandbox: Sandbox, source_arn: str, key_arn: str) -> None:
    heading("Mistake 1: asked in the source's own Region (and two more in the same call)")
    try:
        sandbox.client(SOURCE).start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn, backup_retention_period=36, tags={"aws:team": "dba"}
        )
    except BackupReplicationError as error:
        print(f"{type(error).__name__}: {error}")
    heading("Mistake 2: a key that the destination Region does not have")
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

        show_mistakes(sandbox, source_arn, key_arn)

        client = sandbox.client(DESTINATION)
        heading("Check beforehand: why would a start be refused?")
        for reason in client.check_replication(source_db_instance_arn=source_arn):
            print(f"{reason.code}: {reason.message}\n  {reason.remedy}")

        heading("Make it so, twice: the second time there is nothing to do")
        for _ in range(2):
            result = client.ensure_replication(
                source_db_instance_arn=source_arn,
                backup_retention_period=14,
                kms_key_id=key_arn,
                tags={"env": "prod", "owner": "platform"},
            )
            print(f"{result.action}: {result.backup.db_instance_automated_backups_arn}")

        heading("Wait until there is something to restore")
        backup = client.wait_until_replicating(source_db_instance_arn=source_arn, on_poll=show)
        window = backup.restore_window
        print(f"can be restored up to {window and window.latest_time}")
        print(f"a disaster now would lose {backup.lag()} of data")

        heading(f"All backups that {DESTINATION} keeps")
        for backup in client.describe_db_instance_automated_backups():
            tags = {tag.key: tag.value for tag in backup.tag_list or ()}
            print(f"{backup.db_instance_identifier} from {backup.region}: {backup.status}, {tags}")

        heading("Stop: what was replicated stays, retained, until it expires")
        client.ensure_stopped(source_db_instance_arn=source_arn)
        client.wait_until_stopped(source_db_instance_arn=source_arn, on_poll=show)


if __name__ == "__main__":
    main()
