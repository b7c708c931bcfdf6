"""`make update` and its like, as people have them: other line ends, interruptions, mistakes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.rendering import ROOT, commit, git
from tests.updates.conftest import append, status, tag
from updating.template import CLONE

ANSWERS = ".copier-answers.yml"
READY = ("make", "--silent", "-o", ".venv/bin/uv")


def make(service: Path, goal: str, arguments: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command that updates, with this environment's Copier."""
    command = [*READY, f"UPDATER={sys.executable}", goal, f"ARGS={arguments}"]
    return subprocess.run(command, cwd=service, capture_output=True, text=True)


def newer(release: Path) -> None:
    """Release a version that changes two files."""
    append(release / "template/app/main.py", "# of the template")
    project = release / "template/pyproject.toml.jinja"
    project.write_text(project.read_text().replace("pyyaml>=6.0.3", "pyyaml>=6.0.4"))
    tag(release, "v1.1.0")


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until a command has made a file or a folder."""
    while not path.exists():
        assert process.poll() is None
        time.sleep(0.01)


def test_an_answers_file_with_crlf_is_read(service: Path, release: Path) -> None:
    """By all three commands, and it keeps its line ends."""
    answers = service / ANSWERS
    answers.write_bytes(answers.read_bytes().replace(b"\n", b"\r\n"))
    commit(service)
    newer(release)
    assert make(service, "update-check").stdout == "1.0.0 → 1.1.0: make update brings it.\n"
    for goal, arguments in [("configure", "--set port=8001"), ("update", "")]:
        done = make(service, goal, f"--yes --no-checks {arguments}")
        assert done.returncode == 0, done.stderr
        commit(service)
    text = answers.read_bytes()
    assert b"port: 8001\r\n" in text
    assert text.count(b"\n") == text.count(b"\r\n")


def test_a_clone_with_crlf_is_updated(service: Path, release: Path, tmp_path: Path) -> None:
    """Where git makes them of LF, and of what is the user's and the template's alike."""
    text = (service / "pyproject.toml").read_text()
    mark = "Below: yours.\n"
    (service / "pyproject.toml").write_text(text.replace(mark, f'{mark}    "mine>=1",\n', 1))
    commit(service)
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", "--config", "core.autocrlf=true", str(service), str(clone))
    assert b"\r\n" in (clone / "app/main.py").read_bytes()
    newer(release)
    for goal, arguments in [("configure", "--set port=8001"), ("update", "")]:
        done = make(clone, goal, f"--yes --no-checks {arguments}")
        assert done.returncode == 0, done.stdout + done.stderr
        commit(clone)
    project = (clone / "pyproject.toml").read_bytes()
    assert b'"mine>=1",\r\n' in project
    assert b"pyyaml>=6.0.4" in project
    changed = git(clone, "diff", "--numstat", "HEAD~1", "--", "pyproject.toml")
    assert changed.split()[:2] == ["1", "1"]
    assert git(clone, "ls-files", "--eol", "app/main.py").split()[:2] == ["i/lf", "w/crlf"]


@pytest.mark.parametrize("deleted", ["committed", "not committed"])
def test_a_missing_answers_file_comes_back(deleted: str, service: Path) -> None:
    """By the command that the message has."""
    answers = service / ANSWERS
    text = answers.read_text()
    answers.unlink()
    if deleted == "committed":
        commit(service)
    command = make(service, "update-check").stderr.splitlines()[1]
    subprocess.run(["sh", "-c", command], cwd=service, check=True)
    assert answers.read_text() == text


@pytest.mark.parametrize("path", ["tpl", "."])
def test_a_template_that_is_not_found_is_told(path: str, service: Path) -> None:
    """As of a copy from a path that is one from elsewhere, with the way out."""
    answers = service / ANSWERS
    lines = answers.read_text().splitlines()
    answers.write_text("\n".join([f"_src_path: {path}", *(x for x in lines if "_src" not in x)]))
    assert "After _src_path in .copier-answers.yml stands" in make(service, "update-check").stderr


BUSY = 'import pathlib, time; pathlib.Path("started").touch(); time.sleep(60)'
"""It says itself that it has started: a shell between two commands may not hear a signal."""


def test_an_interruption_leaves_nothing_behind(service: Path, tmp_path: Path) -> None:
    """The clone of the template is removed."""
    places = tmp_path / "places"
    places.mkdir()
    process = subprocess.Popen(
        [*READY, f"UPDATER='{sys.executable}' -c '{BUSY}'", "update"],
        cwd=service,
        env={**os.environ, "TMPDIR": str(places)},
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    wait_for(service / "started", process)
    assert [*places.iterdir()] != []
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) != 0
    assert [*places.iterdir()] == []
    assert status(service) == ["?? started"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_who_stops_an_update_finds_nothing_changed(
    number: signal.Signals, service: Path, release: Path
) -> None:
    """Neither here nor in what git keeps of work trees elsewhere."""
    newer(release)
    process = subprocess.Popen(
        [sys.executable, "-m", "updating", "update", "--yes", "--no-checks"],
        cwd=service,
        env={**os.environ, "PYTHONPATH": str(ROOT), CLONE: str(release)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    wait_for(service / ".git/worktrees/tree", process)
    process.send_signal(number)
    _, told = process.communicate(timeout=60)
    assert (process.returncode, told.splitlines()[-1]) == (1, "stopped; nothing is changed.")
    assert status(service) == []
    assert git(service, "worktree", "list").count("\n") == 1
