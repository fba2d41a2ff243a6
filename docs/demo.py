"""The main job from end to end, on the sandbox: no AWS account, nothing leaves this machine."""

from rds_backup_replication import BackupReplicationClient
from rds_backup_replication.exceptions import BackupReplicationError
from rds_backup_replication.sandbox import Sandbox

SOURCE, DESTINATION = "us-west-2", "us-east-1"


def heading(text: str) -> None:
    print(f"\n== {text}")


def create_source(sandbox: Sandbox) -> str:
    """An encrypted instance in the source Region, with boto3 as ever."""
    instance = sandbox.boto3_client("rds", SOURCE).create_db_instance(
        DBInstanceIdentifier="mydatabase",
        DBInstanceClass="db.t3.micro",
        Engine="postgres",
        AllocatedStorage=20,
        MasterUsername="admin1",
        MasterUserPassword="only-a-sandbox",  # of an instance that does not exist
        BackupRetentionPeriod=7,
        StorageEncrypted=True,
    )["DBInstance"]
    print(f"{instance['DBInstanceArn']} is {instance['DBInstanceStatus']}")
    return str(instance["DBInstanceArn"])


def create_key(sandbox: Sandbox) -> str:
    """A KMS key in the destination Region: the source's own cannot be used there."""
    key = sandbox.boto3_client("kms", DESTINATION).create_key()["KeyMetadata"]
    print(key["Arn"])
    return str(key["Arn"])


def follow(client: BackupReplicationClient, backup_arn: str) -> None:
    """Looks until the first snapshot has arrived; at AWS one would look every minute or so."""
    while True:
        (backup,) = client.describe_db_instance_automated_backups(
            db_instance_automated_backups_arn=backup_arn
        )
        print(f"status: {backup.status}")
        if backup.is_replicating:
            window = backup.restore_window
            print(f"can be restored up to {window and window.latest_time}")
            print(f"a disaster now would lose {backup.lag()} of data")
            return


def show_mistakes(sandbox: Sandbox, source_arn: str, key_arn: str) -> None:
    client = sandbox.client(DESTINATION)
    heading("Mistake 1: asked in the source's own Region (and two more in the same call)")
    try:
        sandbox.client(SOURCE).start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn, backup_retention_period=36, tags={"aws:team": "dba"}
        )
    except BackupReplicationError as error:
        print(f"{type(error).__name__}: {error}")
    heading("Mistake 2: an encrypted source, and no key")
    try:
        client.start_db_instance_automated_backups_replication(source_db_instance_arn=source_arn)
    except BackupReplicationError as error:
        print(f"{type(error).__name__}: {error}")
    heading("Mistake 3: a key that the destination Region does not have")
    try:
        client.start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn, kms_key_id=f"{key_arn[:-4]}0000"
        )
    except BackupReplicationError as error:
        print(f"{type(error).__name__}: {error}")


def main() -> None:
    with Sandbox() as sandbox:
        heading(f"A source instance in {SOURCE}, and a KMS key in {DESTINATION}")
        source_arn = create_source(sandbox)
        key_arn = create_key(sandbox)

        show_mistakes(sandbox, source_arn, key_arn)

        heading(f"Done right: start, in the destination Region {DESTINATION}")
        client = sandbox.client(DESTINATION)
        backup = client.start_db_instance_automated_backups_replication(
            source_db_instance_arn=source_arn,
            backup_retention_period=14,
            kms_key_id=key_arn,
            tags={"env": "prod", "owner": "platform"},
        )
        backup_arn = backup.db_instance_automated_backups_arn
        if backup_arn is None:
            raise SystemExit("RDS answered without the backup's ARN")
        print(f"{backup_arn}\nkept for {backup.backup_retention_period} days")

        heading("Follow it from pending to replicating")
        follow(client, backup_arn)

        heading(f"All backups that {DESTINATION} keeps")
        for backup in client.describe_db_instance_automated_backups():
            tags = {tag.key: tag.value for tag in backup.tag_list or ()}
            print(f"{backup.db_instance_identifier} from {backup.region}: {backup.status}, {tags}")

        heading("Stop: what was replicated stays, retained, until it expires")
        client.stop_db_instance_automated_backups_replication(source_db_instance_arn=source_arn)
        while not backup.is_retained:
            (backup,) = client.describe_db_instance_automated_backups(
                db_instance_automated_backups_arn=backup_arn
            )
            print(f"status: {backup.status}")


if __name__ == "__main__":
    main()
