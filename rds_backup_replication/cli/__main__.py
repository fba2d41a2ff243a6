"""Entry point of ``python -m rds_backup_replication.cli``."""

from ._main import main

main()
