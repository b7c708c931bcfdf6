"""The fleet stays up until it is told to end, and then ends whole."""

import re
import signal
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

from tests.fleet.processes import clone, ended, fleet, left_in


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_some_services_stay_up(number: signal.Signals, tmp_path: Path) -> None:
    """Those that are named, each at the address in the table, until a signal ends them all."""
    repository = clone(tmp_path / "repository")
    process = fleet(repository, "up", "triage", "debug")
    assert process.stdout
    table: dict[str, str] = {}
    for line in process.stdout:
        if found := re.match(r"(\S+-service) +(http://\S+) ", line):
            table[found[1]] = found[2]
        if line.startswith("Ctrl-C"):
            break
    try:
        assert table.keys() == {"triage-service", "debug-service"}
        for url in table.values():
            with urlopen(f"{url}/ready", timeout=10) as answer:
                assert answer.status == 200
    finally:
        process.send_signal(number)
        code, _, err = ended(process)
    assert code == 0, err
    assert "Traceback" not in err
    for url in table.values():
        with pytest.raises(URLError):
            urlopen(f"{url}/health", timeout=5)
    assert left_in(repository) == []


def test_an_unknown_service_is_refused(tmp_path: Path) -> None:
    """With the names that there are."""
    code, _, err = ended(fleet(clone(tmp_path / "repository"), "up", "debgu"))
    assert code == 2
    assert "no service debgu: use triage, concepts" in err


def test_a_service_that_does_not_start_is_named(tmp_path: Path) -> None:
    """With the last thing that it said, and where the rest is; the others end."""
    repository = clone(tmp_path / "repository")
    module = repository / "template/app/domain/hints.py"
    module.write_text('raise RuntimeError("no hints today")\n')
    code, _, err = ended(fleet(repository, "up", "triage", "debug"))
    assert code == 1
    assert re.search(r"^failed: debug-service .*no hints today.*debug-service\.log", err, re.M), err
    assert left_in(repository) == []


def test_a_preset_that_is_refused_is_told(tmp_path: Path) -> None:
    """In a line, as everything else."""
    repository = clone(tmp_path / "repository")
    preset = repository / "presets/debug.yml"
    preset.write_text(preset.read_text(encoding="utf-8").replace("port: 8000", "port: 80"))
    code, _, err = ended(fleet(repository, "up", "debug"))
    assert code == 1
    assert "Traceback" not in err
    assert "port: 80 is no port to listen on" in err
