"""The archetypes, in environments made only from what they declare."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from dev.serve import free_port
from tests.output.combinations import combinations
from tests.output.conftest import Rendering

PRESETS = ("ai-agent", "crud-api", "event-processor", "code-executor")
UNREACHABLE = re.compile(r"error sending request|failed to fetch|dns error|connect", re.IGNORECASE)
START_SECONDS = 30.0
UV = (sys.executable, "-m", "uv")
PYTHON = ".venv/bin/python"


def variables(**more: str) -> dict[str, str]:
    """Return the environment, without what this run of the tests has put there."""
    own = re.compile(r"PYTEST_|PYTHON|VIRTUAL_ENV|APP_|DAPR_|OPENAI_|LOG_")
    kept = {name: value for name, value in os.environ.items() if not own.match(name)}
    return {**kept, **more}


def command(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as a person does whose machine has nothing but Python and uv."""
    return subprocess.run(
        arguments,
        cwd=cwd,
        env=variables(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def install(service: Path) -> None:
    """Make the environment of a service in `.venv`."""
    made = command(*UV, "venv", "--quiet", "--python", sys.executable, cwd=service)
    assert made.returncode == 0, made.stderr
    packages = ("pip", "install", "--quiet", "--editable", ".", "--group", "dev")
    for offline in (["--offline"], []):  # what uv's cache has is good enough
        done = command(*UV, *packages, "--python", PYTHON, *offline, cwd=service)
        if done.returncode == 0:
            return
    if UNREACHABLE.search(done.stderr):
        pytest.skip("neither uv's cache nor the package index has the packages")
    pytest.fail(done.stderr)


@pytest.fixture
def service(request: pytest.FixtureRequest, rendering: Rendering, tmp_path: Path) -> Path:
    """Return a service with an environment of its own."""
    (combination,) = (each for each in combinations() if each.name == request.param)
    folder = tmp_path / "service"
    shutil.copytree(rendering(combination), folder)
    install(folder)
    return folder


@pytest.mark.parametrize("service", PRESETS, indirect=True)
def test_what_is_declared_is_enough(service: Path) -> None:
    """All is imported, its type's tests pass, `python -m app` answers and ends when told to."""
    for which in (["--collect-only"], ["--ignore=tests/template"]):
        pytest_ = (PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider")
        done = command(*pytest_, *which, cwd=service)
        assert done.returncode == 0, done.stdout + done.stderr
    port = str(free_port())
    app = subprocess.Popen(
        [service / PYTHON, "-m", "app"],
        cwd=service,
        env=variables(APP_PORT=port, OPENAI_API_KEY="none", DAPR_START_SECONDS="0.1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert health(f"http://127.0.0.1:{port}/health", app) == b'{"status":"ok"}'
    finally:
        app.send_signal(signal.SIGTERM)
        said, _ = app.communicate(timeout=START_SECONDS)
    assert app.returncode in {0, -signal.SIGTERM}, said


def health(url: str, app: subprocess.Popen[str]) -> bytes:
    """Return what the app answers, as soon as it does."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and app.poll() is None:
        try:
            with urlopen(url, timeout=5) as answer:
                return answer.read()
        except URLError:
            time.sleep(0.1)
    return b"no answer"


@pytest.mark.parametrize("service", ["code-executor"], indirect=True)
def test_what_is_not_declared_is_missing(service: Path) -> None:
    """Else this module would prove nothing: what another preset declares can't be imported."""
    for package, there in (("structlog", True), ("dapr", False), ("copier", False)):
        done = command(PYTHON, "-c", f"import {package}", cwd=service)
        assert (done.returncode == 0) is there, done.stderr
