"""The process that test_docs_deployment.py runs: a server whose workers are forks.

The argument is the endpoint URL. The standard input has the code of the application, as in
docs/deployment.md.
"""

import os
import sys
from typing import Any

WORKERS = 2


def main(endpoint_url: str) -> int:
    os.environ.update(AWS_ENDPOINT_URL=endpoint_url, NO_PROXY="127.0.0.1")
    names: dict[str, Any] = {}
    exec(sys.stdin.read(), names)  # noqa: S102  # the page is trusted

    def start_response(*_: object) -> None:
        pass

    def responds() -> bool:
        body: list[bytes] = names["application"]({}, start_response)
        return body == [b"1 backups\n"]

    if not responds():  # before the fork, this leaves a connection open
        return 2
    children: list[int] = []
    for _ in range(WORKERS):
        child = os.fork()
        if not child:
            os._exit(0 if responds() and responds() else 1)
        children.append(child)
    statuses = [os.waitpid(child, 0)[1] for child in children]
    return 0 if responds() and not any(statuses) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
