"""``python -m rds_backup_replication.cli``: as ``rds-backup-replication``."""

from ._main import main

main()
