"""Somebody at a terminal: what is asked is answered there, and nothing changes without a yes."""

import sys
from pathlib import Path

import pytest

from tests.questions.test_doors import CLEAR, ENTER, Person, answers_of
from tests.rendering import ROOT, commit
from tests.updates.conftest import append, status, tag
from updating.template import CLONE


@pytest.fixture(autouse=True)
def _template(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CLONE, str(release))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))


def person(service: Path, command: str, *options: str) -> Person:
    """Return somebody who began a command of a service, which runs no checks if nothing is said."""
    options = options or ("--no-checks",)
    program = (sys.executable, "-B", "-m", "updating", command, *options)
    return Person(program=program, folder=service)


def test_an_update_wants_a_yes(service: Path, release: Path) -> None:
    """Anything else leaves all as it is."""
    append(release / "template/app/core/more.py", '"""More."""')
    tag(release, "v1.1.0")
    for answer, said in [(ENTER, "nothing is changed."), ("\x03", "stopped; nothing is changed.")]:
        somebody = person(service, "update")
        somebody.reads("1.0.0 → 1.1.0")
        somebody.reads("Update? [y/N] ")
        somebody.types(answer)
        somebody.reads(said)
        assert somebody.ends() == 1
        assert status(service) == []
    somebody = person(service, "update")
    somebody.reads("Update? [y/N] ")
    somebody.types("y" + ENTER)
    assert somebody.ends() == 0
    assert "A  app/core/more.py" in status(service)


def test_checks_that_are_stopped_leave_the_update(service: Path, release: Path) -> None:
    """Staged, with the way on and the way back."""
    makefile = service / "Makefile"
    makefile.write_text(makefile.read_text().replace("check: .venv/.ready", "check:\n\t@sleep 60"))
    commit(service)
    append(release / "template/app/core/more.py", '"""More."""')
    tag(release, "v1.1.0")
    somebody = person(service, "update", "--yes")
    somebody.reads("make check …")
    somebody.types("\x03")
    somebody.reads("stopped. Finish: make check test, then git commit. Undo: git restore")
    assert somebody.ends() == 1
    assert "A  app/core/more.py" in status(service)


def test_all_questions_are_asked_again(service: Path) -> None:
    """What was answered is what is offered."""
    somebody = person(service, "configure")
    for question in (
        "kind of service",
        "called",
        "What does it do",
        "Which version",
        "Which Python",
    ):
        somebody.reads(question)
        somebody.types(ENTER)
    somebody.reads("Which port")
    somebody.reads("8000")
    somebody.types(CLEAR + "8123" + ENTER)
    somebody.types(ENTER * 9)
    somebody.reads("Go on? [y/N] ")
    somebody.types("y" + ENTER)
    assert somebody.ends() == 0
    answers = answers_of(service)
    assert (answers["service_name"], answers["port"]) == ("orders-service", 8123)
    assert "M  app/service.yaml" in status(service)
