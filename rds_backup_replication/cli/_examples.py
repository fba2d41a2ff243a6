"""Examples of each command, which its help shows."""

_SOURCE = "arn:aws:rds:us-west-2:123456789012:db:mydatabase"
_BACKUP = "arn:aws:rds:us-east-1:123456789012:auto-backup:ab-example"
_BOOK = "s3://recovery-books/fleet.json"
_FOR_BOOK = f"{_BOOK} --policy policy.yaml"
_RESTORE = f"restore {_SOURCE} --target-db-instance-identifier mydatabase-restored"
_RECOVER = f"recovery recover {_FOR_BOOK} --journal recovery.jsonl"
_DRILL = f"recovery drill {_FOR_BOOK} --journal drill.jsonl"

EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "": (
        ("Replicate an instance's backups to us-east-1", f"ensure {_SOURCE} --region us-east-1"),
        ("Report how well a fleet is protected", "audit policy.yaml"),
        (
            "Try the commands on a simulated RDS",
            "sandbox --db-instance us-west-2:mydatabase",
        ),
    ),
    "start": (
        (
            "Replicate to us-east-1, and keep the backups for 14 days",
            f"start {_SOURCE} --region us-east-1 --backup-retention-period 14",
        ),
        (
            "Replicate an encrypted instance, and tag the backup",
            f"start {_SOURCE} --kms-key-id alias/backups --tags env=prod --tags team=data",
        ),
    ),
    "ensure": (
        (
            "Replicate to us-east-1, unless a replication is active",
            f"ensure {_SOURCE} --region us-east-1 --backup-retention-period 14",
        ),
    ),
    "replace": (
        (
            "Keep the backups for 30 days from now on",
            f"replace {_SOURCE} --region us-east-1 --backup-retention-period 30",
        ),
        (
            "Do so in a script, which has no terminal to ask on",
            f"replace {_SOURCE} --backup-retention-period 30 --yes",
        ),
    ),
    "wait": (
        (
            "Wait until the first backup can be restored",
            f"wait {_SOURCE} --region us-east-1 --timeout 2h",
        ),
        ("Wait until a stop has taken effect", f"wait {_SOURCE} --until stopped"),
    ),
    "check": (
        (
            "Find what would prevent a replication to us-east-1",
            f"check {_SOURCE} --region us-east-1 --kms-key-id alias/backups",
        ),
    ),
    "show": (
        (
            "Show the backup that us-east-1 keeps of an instance",
            f"show {_SOURCE} --region us-east-1",
        ),
        ("Print its lag in seconds, with jq", f"show {_SOURCE} --output json | jq .lag_seconds"),
    ),
    "list": (
        ("List the replicated backups in us-east-1", "list --region us-east-1"),
        ("Print them as JSON", "list --region us-east-1 --output json"),
    ),
    "stop": (
        ("Stop a replication to us-east-1", f"stop {_SOURCE} --region us-east-1"),
        (
            "Do so in a script, which may run again",
            f"stop {_SOURCE} --region us-east-1 --missing-ok --yes",
        ),
    ),
    "restore": (
        (
            "Create an instance from the latest data in us-east-1",
            f"{_RESTORE} --region us-east-1 --use-latest-restorable-time",
        ),
        (
            "Go back to a moment, in a subnet group of your own",
            f"{_RESTORE} --restore-time 2026-01-31T12:00:00Z --db-subnet-group-name private",
        ),
    ),
    "delete": (("Delete a retained backup", f"delete {_BACKUP} --region us-east-1"),),
    "regions": (
        ("List the Regions whose backups us-east-1 accepts", "regions --region us-east-1"),
        (
            "Find out whether us-east-1 accepts those of us-west-2",
            "regions --region us-east-1 --region-name us-west-2",
        ),
    ),
    "audit": (
        ("Report the state of each instance", "audit policy.yaml"),
        ("Write a page for people, too", "audit policy.yaml --html report.html"),
        (
            "Show only problems of some databases",
            "audit policy.yaml --only-problems --target 'orders-*'",
        ),
    ),
    "plan": (
        ("Show what would have to change", "plan policy.yaml"),
        ("Write a plan for the apply command", "plan policy.yaml --out plan.json"),
    ),
    "apply": (
        (
            "Make the changes in a plan, and keep a journal",
            "apply plan.json --policy policy.yaml --journal apply.jsonl",
        ),
        (
            "Go on after an interruption",
            "apply --resume apply.jsonl --policy policy.yaml",
        ),
    ),
    "policy": (("Show which rule applies to each instance", "policy test policy.yaml"),),
    "policy test": (
        (
            "Show which rule applies to some databases",
            "policy test policy.yaml --identifier 'orders-*'",
        ),
    ),
    "policy schema": (("Write the schema to a file", "policy schema > policy.schema.json"),),
    "policy-schema": (("Write the schema to a file", "policy-schema > policy.schema.json"),),
    "sandbox": (
        (
            "Serve a simulated RDS that has an instance",
            "sandbox --port 5000 --db-instance us-west-2:mydatabase",
        ),
    ),
    "recovery": (
        (
            "Write a recovery book while the source Regions are there",
            f"recovery capture policy.yaml --out {_BOOK}",
        ),
        (
            "Show what a recovery would restore now",
            f"recovery recover {_FOR_BOOK} --dry-run",
        ),
    ),
    "recovery capture": (
        (
            "Write the book to a bucket in the destination",
            f"recovery capture policy.yaml --out {_BOOK}",
        ),
    ),
    "recovery check": (
        ("Check each day whether restores would succeed", f"recovery check {_FOR_BOOK}"),
        (
            "Write a script that makes what is missing",
            f"recovery check {_FOR_BOOK} --commands > missing.sh",
        ),
    ),
    "recovery retarget": (
        (
            "Give a book the changed recovery: blocks of a policy",
            "recovery retarget book.json --policy policy.yaml --out new-book.json",
        ),
    ),
    "recovery recover": (
        ("Show what would be restored now", f"recovery recover {_FOR_BOOK} --dry-run"),
        (
            "Restore all instances, or go on after an interruption",
            _RECOVER,
        ),
        (
            "Restore some databases to a moment",
            f"{_RECOVER} --only 'orders-*' --at 2026-01-31T12:00:00Z",
        ),
    ),
    "recovery drill": (
        (
            "Restore three instances, check each, and delete them",
            f"{_DRILL} --sample 3 --check ./check-database --evidence drill.html",
        ),
    ),
    "recovery drill-cleanup": (
        (
            "Delete what a killed drill left behind",
            "recovery drill-cleanup drill.jsonl --policy policy.yaml",
        ),
    ),
}
"""For each command, texts and command lines without the program's name."""
