"""The process that test_concurrency.py runs: many threads use each model for the first time."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import rds_backup_replication
from rds_backup_replication._models._base import ResponseModel

THREADS = 16


def main() -> None:
    sys.setswitchinterval(1e-6)
    names: list[str] = rds_backup_replication.__all__
    public: list[object] = [getattr(rds_backup_replication, name) for name in names]
    start = threading.Barrier(THREADS)
    models = [
        value for value in public if isinstance(value, type) and issubclass(value, ResponseModel)
    ]
    assert rds_backup_replication.DBInstanceAutomatedBackup in models
    for model in models:

        def use(_: int, model: type[ResponseModel] = model) -> str:
            start.wait(20)
            return repr(model.model_validate({"New": 1}))

        with ThreadPoolExecutor(THREADS) as pool:
            assert len(set(pool.map(use, range(THREADS)))) == 1


if __name__ == "__main__":
    main()
