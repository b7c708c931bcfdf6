"""What is there is used; what is missing is made once, or named."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.rendering import ROOT
from tests.stack import StackError, install

GO = """\
#!/bin/sh
if [ "$1" = version ]; then echo "go version go1.26.4 here"; exit; fi
here=$(dirname "$0")
if [ "$2" = download ]; then echo "{\\"Dir\\": \\"$here/module\\"}"; fi
if [ "$1" = mod ]; then echo "go: $2" >&2; exit; fi
echo built >> "$here/builds"
ls dapr/cmd/daprd/components >> "$here/builds"
sleep 0.3
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\necho 1.18.0\\n' > "$2"
"""
DAPRD = "#!/bin/sh\necho 1.18.0\n"


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a machine that has nothing but a shell, for somebody who is not root."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sh", "dirname", "ls", "sleep"):
        (programs / name).symlink_to(str(shutil.which(name)))
    for variable in ("DAPRD", "KAFKA_HOME", "REDIS_SERVER", "POSTGRESQL_BIN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    return programs


def program(path: Path, text: str) -> Path:
    """Write a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_what_the_environment_names_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else there is."""
    named = program(tmp_path / "mine", DAPRD)
    monkeypatch.setenv("DAPRD", str(named))
    assert install.daprd() == named


def test_what_the_environment_names_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """A typing mistake is told."""
    monkeypatch.setenv("REDIS_SERVER", "/no/such/redis")
    with pytest.raises(StackError, match="REDIS_SERVER=/no/such/redis does not exist"):
        install.redis_server()


@pytest.mark.parametrize(
    ("variable", "part", "said"),
    [
        ("DAPRD", install.daprd, "is no daprd of 1.16 or later: it says 1.2"),
        ("KAFKA_HOME", install.kafka_home, "has no libs/kafka_2.13*.jar"),
        ("REDIS_SERVER", install.redis_server, "is no Redis: it tells no version"),
        ("POSTGRESQL_BIN", install.postgresql_bin, "has no postgres and no initdb that runs"),
    ],
)
def test_what_the_environment_names_must_be_it(
    variable: str,
    part: Callable[[], Path],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A folder with nothing in it is none, and neither is an old sidecar."""
    old = program(tmp_path / "daprd", "#!/bin/sh\necho 1.2.3\n")
    (tmp_path / "empty").mkdir()
    named = old if variable == "DAPRD" else tmp_path / "empty"
    monkeypatch.setenv(variable, str(named))
    with pytest.raises(StackError, match=f"^{re.escape(f'{variable}={named} {said}')}$"):
        part()


def test_what_the_environment_names_may_be_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as it is what it is named for."""
    (tmp_path / "kafka/libs").mkdir(parents=True)
    (tmp_path / "kafka/libs/kafka_2.13-3.9.1.jar").touch()
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path / "kafka"))
    assert install.kafka_home() == tmp_path / "kafka"
    redis = program(tmp_path / "redis", "#!/bin/sh\necho Redis server v=7.0.15 sha=0\n")
    monkeypatch.setenv("REDIS_SERVER", str(redis))
    assert install.redis_server() == redis
    for name in ("postgres", "initdb"):
        program(tmp_path / name, "")
    monkeypatch.setenv("POSTGRESQL_BIN", str(tmp_path))
    assert install.postgresql_bin() == tmp_path


def test_a_sidecar_that_is_installed_is_used(bare: Path) -> None:
    """From 1.16 on, also where `dapr init --slim` has put it."""
    slim = program(Path.home() / ".dapr/bin/daprd", "#!/bin/sh\necho 1.17.3\n")
    assert install.daprd() == slim
    newer = program(bare / "daprd", "#!/bin/sh\necho 1.18.0\n")
    assert install.daprd() == newer
    program(newer, "#!/bin/sh\necho 1.15.9\n")
    assert install.daprd() == slim


def test_a_sidecar_is_built_once(bare: Path, tmp_path: Path) -> None:
    """By whoever comes first, who tells so; what one that was killed has left does not matter.

    Of Dapr's components those are built in that the tests use.
    """
    program(bare / "go", GO)
    for name in ("bindings_aws_s3.go", "pubsub_kafka.go"):
        program(bare / "module/cmd/daprd/components" / name, "").chmod(0o444)
    (bare / "module/cmd/daprd/components").chmod(0o555)
    (tmp_path / "cache/learnflow-template/daprd-1.18.0.begun").mkdir(parents=True)
    script = "from tests.stack import install; print(install.daprd())"
    several = [
        subprocess.Popen(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={
                "PYTHONPATH": "template",
                "PATH": str(bare),
                "XDG_CACHE_HOME": str(tmp_path / "cache"),
                "HOME": str(tmp_path),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    said = [process.communicate(timeout=60) for process in several]
    built = tmp_path / "cache/learnflow-template/daprd-1.18.0/daprd"
    assert [out.strip() for out, _ in said] == [str(built)] * 3
    assert built.is_file()
    assert (bare / "builds").read_text().split() == ["built", "pubsub_kafka.go"]
    assert "".join(err for _, err in said).startswith("stack: building daprd 1.18.0 (once")


def test_what_is_missing_is_named() -> None:
    """Where it can't be installed."""
    with pytest.raises(StackError, match=r"redis-server is missing: .*apt install redis-server\)"):
        install.redis_server()
    with pytest.raises(StackError, match=r"java is missing: .*apt install default-jre-headless\)"):
        install.kafka_home()


def test_each_part_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it is, or what it lacks; the others are brought nevertheless."""
    named = [program(tmp_path / name, DAPRD) for name in ("daprd", "sentry")]
    monkeypatch.setenv("DAPRD", str(named[0]))
    assert not install.everything()
    said = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines())
    assert "apt install redis-server" in said["redis_server"]
    assert [said["daprd"], said["sentry"]] == [str(path) for path in named]
