"""Run by test_concurrency.py, in a new process: many threads are the first to use each model."""

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import rds_backup_replication
from rds_backup_replication import _models
from rds_backup_replication._models import ResponseModel

THREADS = 16


def main() -> None:
    sys.setswitchinterval(1e-6)
    models = [
        value for name in sorted(_models.__all__) if is_model(value := getattr(_models, name))
    ]
    assert rds_backup_replication.Tag in models
    start = threading.Barrier(THREADS)
    for model in models:

        def use(_: int, model: type[ResponseModel] = model) -> str:
            start.wait(20)
            return repr(model.model_validate({"New": 1}))

        with ThreadPoolExecutor(THREADS) as pool:
            assert len(set(pool.map(use, range(THREADS)))) == 1


def is_model(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, ResponseModel)


if __name__ == "__main__":
    main()
