"""Entry point of ``python -m rds_backup_replication``, the command line."""

from .cli import main

main()
