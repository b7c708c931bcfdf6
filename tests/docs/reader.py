"""Somebody who does what a page says, in a folder, with no network."""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from socket import create_connection
from types import TracebackType
from urllib.parse import urlsplit

from dev.serve import free_port
from tests.docs.pages import Command, File, Log, Step
from tests.rendering import snapshot

GENERATE = "uvx --with copier-template-extensions copier copy --trust gh:org/learnflow-template"
STAYS_UP = re.compile(r"make (dev|fleet)\b")
UPDATES = re.compile(r"make (update|configure)")
NOT_RUN = {
    r"(uv tool|pipx) install": "it needs the network",
}
NOT_RUN_HERE = {
    r"make test\b": "it would run these tests within themselves",
    r"make check\b": "CI runs it by itself, on all that is here",
    r"make e2e\b": "it needs the real stack, and CI runs it by itself",
}
"""What is not run in the repository; in a service it is."""

USUAL = {"service": "http://127.0.0.1:8000", "sidecar": "http://127.0.0.1:3500"}
"""Where pages say that `make dev` has them; here they are where there is room."""
PLACE = re.compile(r"(\w+)=http://127\.0\.0\.1:\d+ +# (\S+)")
"""A variable with what a table says."""

START_SECONDS, SEE_SECONDS, QUIET_SECONDS = 90.0, 30.0, 2.0
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def environment() -> dict[str, str]:
    """Return the environment of a person: nothing of the tests, of make or of a proxy."""
    own = re.compile(r"PYTEST_|MAKE|MFLAGS|APP_|DAPR_|OPENAI_|LOG_|\w+_proxy", re.IGNORECASE)
    kept = {name: value for name, value in os.environ.items() if not own.match(name)}
    # A service has no plugins but anyio's; the environment of these tests has more.
    plugins = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "-p anyio"}
    return {**kept, **plugins}


def clone(folder: Path) -> Path:
    """Return a clone of this repository, uncommitted changes included."""
    shutil.copytree(snapshot(), folder, symlinks=True)
    return folder


class Running:
    """What a command of the page started that stays up."""

    def __init__(self, command: str, folder: Path, log: Path, lock: Path) -> None:
        self._log = log
        with log.open("wb") as output, alone(lock):
            self._process = subprocess.Popen(
                command,
                shell=True,
                cwd=folder,
                env={**environment(), "APP_PORT": str(free_port()), "LOG_FORMAT": "pretty"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            self.wait(lambda log: "Ctrl-C ends all." in log, START_SECONDS)
        table = re.findall(r"^ *([\w-]+) +(http://127\.0\.0\.1:\d+)(?= |$)", self.log, re.MULTILINE)
        self.urls: Mapping[str, str] = dict(table)

    @property
    def log(self) -> str:
        """What it has said so far."""
        return COLOUR.sub("", self._log.read_text(errors="replace"))

    def wait(self, seen: Callable[[str], bool], seconds: float = SEE_SECONDS) -> None:
        """Wait until the log is as it should be."""
        until = time.monotonic() + seconds
        while not seen(self.log):
            assert self._process.poll() is None, f"it ended:\n{self.log}"
            assert time.monotonic() < until, f"it did not say so in time:\n{self.log}"
            time.sleep(0.1)

    def restarted(self, since: int) -> None:
        """Wait until a change since a place in the log is served, and no other comes after it."""
        self.wait(lambda log: "restarting." in log[since:])
        self.wait(lambda log: "/dapr/subscribe" in log.rpartition("restarting.")[2])
        before = ""
        while before != (before := self.log):
            time.sleep(QUIET_SECONDS)

    def end(self) -> None:
        """Press Ctrl-C, and see that nothing is left."""
        os.killpg(self._process.pid, signal.SIGINT)
        try:
            self._process.wait(START_SECONDS)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
        assert [name for name, url in self.urls.items() if answers(url)] == []


@contextmanager
def alone(lock: Path) -> Generator[None]:
    """Let one reader at a time look for free ports."""
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def answers(url: str) -> bool:
    """Return whether somebody takes connections there."""
    try:
        create_connection((urlsplit(url).hostname, urlsplit(url).port or 80), timeout=1).close()
    except OSError:
        return False
    return True


class Reader:
    """Follows the steps of a page; fails where what comes is not what the page says."""

    def __init__(self, folder: Path, logs: Path, lock: Path) -> None:
        self._folder = folder
        self._logs = logs
        self._lock = lock
        self._variables: dict[str, str] = {}
        self._running: Running | None = None
        self._written: int | None = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if self._running:
            self._running.end()

    def follow(self, step: Step) -> None:
        """Do what the page says next, and look at what comes of it."""
        match step:
            case Command():
                self._settle()
                self._type(step)
            case File():
                self._write(step)
            case Log():
                for line in step.lines:
                    self._see(line.replace("…", "").split())

    def _write(self, file: File) -> None:
        if self._running and self._written is None and file.path.startswith("app/"):
            self._written = len(self._running.log)
        (self._folder / file.path).write_text(file.text, encoding="utf-8")

    def _settle(self) -> None:
        if self._running and self._written is not None:
            self._running.restarted(self._written)
            self._written = None

    def _see(self, words: list[str]) -> None:
        assert self._running, "a log is of something that runs"
        self._running.wait(
            lambda log: any(all(word in line for word in words) for line in log.splitlines())
        )

    def _type(self, command: Command) -> None:
        if not_run(command.text, self._folder):
            return
        if place := PLACE.match(command.text):
            assert self._running, "the table is of something that runs"
            self._variables[place[1]] = self._running.urls[place[2]]
            return
        if STAYS_UP.match(command.text):
            self._start(command)
            return
        until = time.monotonic() + (SEE_SECONDS if "curl" in command.text else 0)
        wanted = [self._here(line) for line in command.output]
        while True:
            done = self._run(self._here(command.text))
            good = done.returncode == 0 and all(line in done.stdout for line in wanted)
            # What is only looked at may need time to come; what is sent is sent once.
            if good or " -d " in command.text or time.monotonic() > until:
                break
            time.sleep(0.2)
        assert good, f"$ {command.text}\n{done.returncode}: {done.stdout}{done.stderr}"

    def _start(self, command: Command) -> None:
        assert not self._running, "a page starts one thing"
        text = self._here(command.text)
        self._running = Running(text, self._folder, self._logs / "running.log", self._lock)
        for line in command.output:
            self._see(self._here(line).split())

    def _run(self, text: str) -> subprocess.CompletedProcess[str]:
        where = self._logs / "folder"
        done = subprocess.run(
            f"{text}\ncode=$?; pwd > '{where}'; exit $code",
            shell=True,
            cwd=self._folder,
            env={**environment(), **self._variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self._folder = Path(where.read_text().strip())
        return done

    def _here(self, text: str) -> str:
        """Return what a page says, as it is here: this tree, this environment, these ports."""
        ours = f"'{sys.executable}' -m copier copy --trust --vcs-ref HEAD --quiet"
        if "--defaults" not in text:  # nobody is there to be asked
            ours += " --defaults"
        text = text.replace(GENERATE, f"{ours} '{snapshot()}'")
        text = re.sub(r"^curl ", "curl --silent --show-error --fail-with-body ", text)
        if text.startswith("make "):
            if not (self._folder / ".venv").exists():
                (self._folder / ".venv").symlink_to(sys.prefix)
            # Copier from this environment, not from the network.
            updater = f"UPDATER='{sys.executable}'" if UPDATES.match(text) else ""
            text = text.replace("make ", f"make -o .venv/.ready {updater} ", 1)
        for name, usual in USUAL.items() if self._running else ():
            assert self._running
            text = text.replace(usual, self._running.urls.get(name, usual))
        return text


def not_run(command: str, folder: Path) -> str | None:
    """Return why a command is not run in a folder, if it is not."""
    reasons = {**NOT_RUN, **(NOT_RUN_HERE if (folder / "copier.yml").exists() else {})}
    return next((why for what, why in reasons.items() if re.match(what, command)), None)
