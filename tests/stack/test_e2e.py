"""`python -m tests.stack` ends what it started, and says what failed."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fleet.processes import clone, ended, left_in

pytestmark = pytest.mark.stack


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a clone of the repository."""
    return clone(tmp_path / "repository")


def stack(repository: Path) -> subprocess.Popen[str]:
    """Start the command."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.stack", "--store", "redis"],
        cwd=repository,
        env={**os.environ, "PYTHONPATH": "template"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_ctrl_c_ends_all(repository: Path) -> None:
    """Also what is just being started."""
    process = stack(repository)
    assert process.stderr
    for line in process.stderr:
        if "starting them" in line:
            break
    process.send_signal(signal.SIGINT)
    code, _, err = ended(process)
    assert code == 130, err
    assert "Traceback" not in err
    assert left_in(repository) == []


def test_a_wrong_file_of_a_service_fails_it(repository: Path) -> None:
    """The sidecar that did not come up is named, with what it said."""
    for file in (repository / "template/dapr/components").iterdir():
        file.write_text(file.read_text().replace("pubsub.kafka", "pubsub.kafak"))
    code, out, err = ended(stack(repository))
    assert code == 1
    assert out == ""
    assert re.search(r"^failed: daprd-\S+-service is not up", err, re.M), err
    assert "pubsub.kafak" in err
    assert left_in(repository) == []
