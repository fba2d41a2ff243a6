"""Other libraries for the same job, each in an environment of its own."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from .children import ENVIRONMENT, Children

PEERS = ("capo-rds",)

NOT_INSTALLED = "does not install here"
FAILED = "fails"


def python_of(peer: str) -> Path | None:
    """The Python that has it, with the boto3 that this library is measured with; or ``None``."""
    home = ENVIRONMENT / "peers" / peer
    python = home / "bin" / "python"
    installed = home / "installed"
    if not installed.exists():
        # Without ensurepip, which some distributions leave out; pip comes from here.
        wanted = [peer, *(f"{name}=={version(name)}" for name in ("boto3", "botocore"))]
        try:
            _run("-m", "venv", "--without-pip", str(home))
            _run("-m", "pip", "--python", str(python), "install", "--quiet", *wanted)
        except subprocess.CalledProcessError as error:
            print(error.stderr)
            return None
        installed.touch()
    return python


def version_of(peer: str, children: Children) -> str:
    return children.run("-c", f"from importlib.metadata import version; print(version({peer!r}))")


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True)
