"""Other libraries for the same job, each in its own virtual environment."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from .children import ENVIRONMENT, Children

PEERS = ("capo-rds",)

NOT_INSTALLED = "cannot be installed here"
FAILED = "fails"


def python_of(peer: str) -> Path | None:
    """Return the Python of a peer's environment, or ``None`` if the peer cannot be installed.

    The environment has the same boto3 as the one that measures this library.
    """
    home = ENVIRONMENT / "peers" / peer
    python = home / "bin" / "python"
    installed = home / "installed"
    if not installed.exists():
        # Some distributions omit ensurepip, so this environment's pip installs the packages.
        packages = [peer, *(f"{name}=={version(name)}" for name in ("boto3", "botocore"))]
        try:
            _run_python("-m", "venv", "--without-pip", str(home))
            _run_python("-m", "pip", "--python", str(python), "install", "--quiet", *packages)
        except subprocess.CalledProcessError as error:
            print(error.stderr)
            return None
        installed.touch()
    return python


def version_of(peer: str, children: Children) -> str:
    return children.run("-c", f"from importlib.metadata import version; print(version({peer!r}))")


def _run_python(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
