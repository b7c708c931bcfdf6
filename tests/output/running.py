"""Commands in a rendered service: its tests, its checks."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

SCRIPT = Path(__file__).with_name("preloaded.py")
INTERPRETER = Path(__file__).with_name("interpreter.py")
OFFLINE = {
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "PYTHONDONTWRITEBYTECODE": "",
    # A service has no plugins but anyio's; the environment of these tests has more.
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "-p anyio -p no:cacheprovider -W ignore::pytest.PytestAssertRewriteWarning",
}

PERSONAL = {"http_proxy": OFFLINE["http_proxy"], "APP_API_TOKEN": "somebody's", "LOG_LEVEL": "all"}
"""What somebody may have set, and neither a service's tests nor a fleet must notice."""


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    output: str


class Runner:
    """Runs modules in forks of a process that has their packages imported."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._output = folder / "output.txt"
        self._place = folder / "service"
        # Nothing is encrypted offline; to load the system's certificates for each client is slow.
        certificates = folder / "certificates"
        certificates.mkdir()
        self._python = folder / "python"
        self._python.write_text(f"#!{sys.executable} -IS\n{INTERPRETER.read_text()}")
        self._python.chmod(0o700)
        self._env = {
            **os.environ,
            **OFFLINE,
            "SSL_CERT_FILE": "",
            "SSL_CERT_DIR": str(certificates),
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),  # nothing is written into a service
        }

    def __call__(self, module: str, *arguments: str, cwd: Path, **variables: str) -> Done:
        """Run a module in a folder, with more environment variables, and wait for it."""
        assert self._process.stdin
        assert self._process.stdout
        order = {
            "module": module,
            "arguments": arguments,
            "cwd": str(cwd),
            "env": {**self._env, **variables},
            "python": str(self._python),
            "output": str(self._output),
        }
        print(json.dumps(order), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        output = self._output.read_text(errors="replace")
        assert not answer["orphans"], f"{module} left processes behind:\n{output}"
        return Done(answer["code"], output)

    def there(self, service: Path) -> Path:
        """Return a copy of a service, in the place of the one before.

        What Python has compiled of a file serves for each that comes there with the same content.
        """
        shutil.rmtree(self._place, ignore_errors=True)
        return shutil.copytree(service, self._place, copy_function=_copy)


def _copy(source: str, target: str) -> None:
    """Copy a file; its time is made of its content, and Python compares times and sizes."""
    content = Path(source).read_bytes()
    Path(target).write_bytes(content)
    os.utime(target, (time := int.from_bytes(sha256(content).digest()[:4]), time))


@contextmanager
def runner(folder: Path) -> Generator[Runner]:
    """Run the process that the commands are forks of."""
    with subprocess.Popen(
        [sys.executable, str(SCRIPT)],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Runner(process, folder)
