"""Commands in a network of their own, where nothing listens but on 127.0.0.1."""

import shutil
import subprocess

import pytest


def isolated(*command: str) -> list[str]:
    """Return a command that runs in a network namespace; skip the test where that is forbidden."""
    probe = ["unshare", "-rn", "true"]
    if shutil.which("unshare") is None or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("unshare -rn is not allowed here, so that a server would listen on the network")
    return ["unshare", "-rn", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
