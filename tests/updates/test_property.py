"""The property that counts, tried on lives of services as people lead them.

After every update: no conflict, what is the user's is as it was to the last byte, what the user
deleted is not there, what is the template's is as in a fresh copy with the same answers, the user's
lines in shared files aside, and the service imports. The number of lives is `UPDATE_CASES`, some by
default; `make fuzz` runs 500. Each is a test, and the same life whenever that test is run. One in
`SAMPLE` has its service's tests run in the end, if it can start: if no topic lacks its handler.
"""

import json
import os
import shutil
from collections import Counter
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.conftest import LIVES
from tests.output.combinations import features_of
from tests.output.conftest import run
from tests.output.running import Runner
from tests.rendering import commit, git, render
from tests.sharing import once
from tests.updates import generations
from tests.updates.conftest import Command
from tests.updates.people import EDITS, Case, Person, cases
from tests.updates.test_owners import owners
from updating.template import CLONE

__all__ = ["run"]

CASES = int(os.environ.get("UPDATE_CASES", "3"))
SAMPLE = 16


@pytest.fixture(scope="session")
def releases(shared: Path) -> Path:
    """Return a template with five releases."""
    return once(shared / "releases", generations.make)


class Life:
    """A service that is led through a case."""

    def __init__(self, case: Case, service: Path, shared: Path, command: Command) -> None:
        self._command = command
        self._shared = shared
        self._template = shared / "releases"
        self._service = service
        answers = {
            "service_type": case.service_type,
            "features": list(case.features),
            "python_version": case.python_version,
        }
        if "agent" in case.features and "agent" not in features_of(case.service_type):
            answers["model"] = "gpt-4.1-mini"
        if case.python_version == "3.14" and case.start >= "v2":
            answers["python_version"] = "3.13"
        shutil.copytree(self.fresh(case.start, answers), service)
        self.person = Person(service)

    def fresh(self, version: str, answers: dict[str, Any]) -> Path:
        """Return a fresh copy; look, don't touch."""
        text = json.dumps([version, answers], sort_keys=True, default=str)
        name = f"fresh-{sha256(text.encode()).hexdigest()[:16]}"
        return once(
            self._shared / name, partial(render, template=self._template, at=version, **answers)
        )

    def step(self, kind: str, what: str, number: int) -> str:
        """Do the next thing, look at what has become of the service, and return what it was."""
        match kind:
            case "edit":
                EDITS[what](self.person, number)
                return what
            case "toggle":
                commit(self._service)
                return self._toggle(what)
            case _:
                commit(self._service)
                before = self._own()
                code = self._command(self._service, "update", "--to", what)
                assert code == 0, git(self._service, "diff", "--cached")
                assert self._own() == before
                self._look()
                return "updates"

    def _toggle(self, feature: str) -> str:
        on = feature in self.person.features
        options = ["--off" if on else "--on", feature]
        if feature == "agent" and not on:
            options += ["--set", "model=gpt-4.1-mini"]
            options[1:2] = ["agent", *([] if "state" in self.person.features else ["state"])]
        code = self._command(self._service, "configure", *options)
        changed = git(self._service, "status", "--porcelain")
        assert (code == 0) == bool(changed)
        for name in [*self.person.lines]:
            if not (self._service / name).exists():
                assert (self._service / ".parked" / name).exists(), name
                self.person.lines[f".parked/{name}"] = self.person.lines.pop(name)
        # What an agent can't do without stays on.
        return "refused switches" if code else f"switches {'off' if on else 'on'}"

    def _own(self) -> dict[str, bytes]:
        """Return the files that are the user's, those that are parked among them."""
        names = [*self.person.files("users"), *self.person.files()]
        return {
            name: (self._service / name).read_bytes()
            for name in names
            if name != ".parked/answers.yml"
        }

    def _look(self) -> None:
        """Check what must hold after an update."""
        for name, lines in self.person.lines.items():
            there = (self._service / name).read_text(encoding="utf-8").splitlines()
            assert [line for line in lines if line not in there] == [], name
        for name in self.person.deleted:
            assert not (self._service / name).exists(), name
        answers = yaml.safe_load((self._service / ".copier-answers.yml").read_text())
        plain = {key: value for key, value in answers.items() if not key.startswith("_")}
        fresh = self.fresh(answers["_commit"], plain)
        for path in (path for path in fresh.rglob("*") if path.is_file()):
            name = path.relative_to(fresh).as_posix()
            if owners(name) != ["users"] and name not in self.person.deleted:
                assert self._mine_aside(name) == path.read_text(encoding="utf-8"), name
        extra = {name for name in self.person.files("template") if not (fresh / name).exists()}
        assert extra == set()

    def _mine_aside(self, name: str) -> str:
        lines = (self._service / name).read_text(encoding="utf-8").splitlines(keepends=True)
        mine = self.person.lines.get(name, [])
        return "".join(line for line in lines if line.rstrip("\n") not in mine)


@pytest.mark.parametrize("number", range(CASES))
def test_no_user_loses_a_line(
    number: int,
    releases: Path,
    shared: Path,
    command: Command,
    run: Runner,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """Whatever was generated, changed, switched and skipped."""
    monkeypatch.setenv(CLONE, str(releases))
    done = Counter[str]()
    simplest = True

    @seed(number)
    @settings(
        max_examples=2,
        database=None,
        deadline=None,
        phases=[Phase.generate],  # each try takes seconds
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        print_blob=False,
    )
    @given(cases())
    def live(case: Case) -> None:
        nonlocal simplest
        if simplest:  # hypothesis begins with the simplest case there is, whatever the seed
            simplest = False
            return
        with TemporaryDirectory(prefix="life-") as temporary:
            service = Path(temporary) / "service"
            life = Life(case, service, shared, command)
            for step in case.steps:
                done[life.step(*step)] += 1
            asked = run("app.main", cwd=service)
            assert asked.code == 0, asked.output
            done["lives"] += 1
            if number % SAMPLE == 1 and life.person.starts:  # of the first few, 1 does
                tests = run("pytest", "-q", "-k", "not until_it_is_told", cwd=service)
                assert tests.code in {0, 5}, tests.output
                done["tested"] += 1
        monkeypatch.chdir("/")

    live()
    assert done["lives"] == 1
    record_property(LIVES, dict(done))
