"""The demo shows how a question travels, or says what is wrong; nothing is left running."""

import re
from pathlib import Path

import pytest

from tests.fleet.processes import clone, ended, fleet, left_in


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a clone of the repository."""
    return clone(tmp_path / "repository")


def test_a_question_travels(repository: Path) -> None:
    """Each hop has its milliseconds, service, topic, event and trace; the answer comes back."""
    code, out, err = ended(fleet(repository, "demo"))
    assert code == 0, err
    hop = r"^ +\d+ ms +{} +{}.*event \S+…  trace \S+…$"
    for service, what in (
        ("triage-service", r"publishes learning\.concept-request"),
        ("concepts-service", r"handled learning\.concept-request in \d+ ms: SUCCESS"),
        ("concepts-service", r"publishes learning\.concept-response"),
        ("progress-service", r"handled learning\.concept-response in \d+ ms: SUCCESS"),
        ("progress-service", r"handled learning\.routed in \d+ ms: SUCCESS"),
    ):
        assert re.search(hop.format(service, what), out, re.MULTILINE), out
    assert re.search(r"^The answer: \S", out, re.MULTILINE)
    assert "Progress counted 2 questions and 2 answers." in out
    assert left_in(repository) == []


def test_a_service_that_fails_ends_it(repository: Path) -> None:
    """The demo does not claim an answer that nobody gave."""
    with (repository / "template/app/usecases/concepts.py").open("a") as module:
        module.write("\n\nasync def fail(*_: object) -> None:\n    raise RuntimeError\n")
        module.write("\n\nExplainer.explain = fail\n")
    code, out, err = ended(fleet(repository, "demo"))
    assert code == 1
    assert "The answer:" not in out
    assert re.search(r"^failed: .*/ask answered 50\d", err, re.MULTILINE), err
    assert left_in(repository) == []
