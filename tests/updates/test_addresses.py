"""Where the template is: at a fork, or behind a short name; both are followed as they are given."""

import os
import subprocess
import sys
from pathlib import Path

from tests.rendering import ROOT, commit, git
from tests.updates.conftest import Command, append, status, tag

SHORT, LONG = "gh:org/learnflow-template", "https://github.com/"


def move(service: Path, template: Path, address: str) -> None:
    """Have the answers file name another address."""
    answers = service / ".copier-answers.yml"
    text = answers.read_text()
    assert f"_src_path: {template}\n" in text
    answers.write_text(text.replace(f"_src_path: {template}\n", f"_src_path: {address}\n"))
    commit(service)


def test_from_a_fork(service: Path, release: Path, tmp_path: Path, command: Command) -> None:
    """Its versions come, those of the first template no more."""
    fork = tmp_path / "fork"
    git(tmp_path, "clone", "--quiet", str(release), str(fork))
    append(fork / "template/app/main.py", "# of the fork")
    tag(fork, "v1.1.0")
    append(release / "template/app/main.py", "# of the template")
    tag(release, "v1.2.0")
    move(service, release, str(fork))
    assert command(service, "update") == 0
    assert (service / "app/main.py").read_text().endswith("# of the fork\n")
    assert f"_src_path: {fork}\n" in (service / ".copier-answers.yml").read_text()


def test_behind_a_short_name(service: Path, release: Path, tmp_path: Path) -> None:
    """As `gh:`, which stands for GitHub; a git that takes it from elsewhere finds it there."""
    append(release / "template/app/main.py", "# of the template")
    tag(release, "v1.1.0")
    git(tmp_path, "clone", "--quiet", "--bare", str(release), "github/org/learnflow-template.git")
    move(service, release, SHORT)
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "COPIER_CACHE_DIR": str(tmp_path / "cache"),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{tmp_path / 'github'}/.insteadOf",
        "GIT_CONFIG_VALUE_0": LONG,
    }
    command = [sys.executable, "-B", "-m", "updating", "update", "--yes", "--no-checks"]
    done = subprocess.run(command, cwd=service, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "1.0.0 → 1.1.0" in done.stdout
    assert "M  app/main.py" in status(service)
    assert f"_src_path: {SHORT}\n" in (service / ".copier-answers.yml").read_text()
