"""The property that counts, tried on lives of services as people lead them.

After every update: no conflict, every line of the user's is there, what the user deleted is not,
what is the template's is as in a fresh copy with the same answers, and the service imports. The
number of lives is `UPDATE_CASES`, some by default; `make fuzz` runs 500.
"""

import json
import os
import shutil
from collections import Counter
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.output.combinations import features_of
from tests.output.conftest import run
from tests.output.running import Runner
from tests.rendering import commit, git
from tests.sharing import once
from tests.updates import generations
from tests.updates.conftest import Command, generate
from tests.updates.people import EDITS, Case, Person, cases
from tests.updates.test_owners import owners
from updating.template import CLONE

__all__ = ["run"]

SHARDS = 4
CASES = int(os.environ.get("UPDATE_CASES", SHARDS))
SAMPLE = 20
"""One life of so many has its service's tests run in the end."""
MARK = "Below: yours."


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
        commit(service)
        self.person = Person(service)

    def fresh(self, version: str, answers: dict[str, Any]) -> Path:
        """Return a fresh copy; look, don't touch."""
        text = json.dumps([version, answers], sort_keys=True, default=str)
        name = f"fresh-{sha256(text.encode()).hexdigest()[:16]}"

        def make(folder: Path) -> None:
            generate(self._template, folder, at=version, **answers)
            shutil.rmtree(folder / ".git")

        return once(self._shared / name, make)

    def step(self, kind: str, what: str, number: int) -> None:
        """Do the next thing and look at what has become of the service."""
        match kind:
            case "edit":
                EDITS[what](self.person, number)
            case "toggle":
                self._toggle(what)
            case _:
                code = self._command(self._service, "update", "--to", what)
                assert code == 0, git(self._service, "diff", "--cached")
                self.look()
        commit(self._service)

    def _toggle(self, feature: str) -> None:
        on = feature in self.person.features
        options = ["--off" if on else "--on", feature]
        if feature == "agent" and not on:
            options += ["--set", "model=gpt-4.1-mini"]
            options[1:2] = ["agent", *([] if "state" in self.person.features else ["state"])]
        # What a type can't do without stays on; that is refused, and nothing has changed.
        code = self._command(self._service, "configure", *options)
        changed = git(self._service, "status", "--porcelain")
        assert (code == 0) == bool(changed)
        for name in [*self.person.lines]:
            if not (self._service / name).exists():
                assert (self._service / ".parked" / name).exists(), name
                self.person.lines[f".parked/{name}"] = self.person.lines.pop(name)

    def look(self) -> None:
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


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_user_loses_a_line(
    shard: int,
    releases: Path,
    shared: Path,
    command: Command,
    run: Runner,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Whatever was generated, changed, switched and skipped."""
    monkeypatch.setenv(CLONE, str(releases))
    done = Counter[str]()

    @seed(shard)
    @settings(
        max_examples=max(1, CASES // SHARDS),
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],  # each try takes seconds
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        print_blob=False,
    )
    @given(cases())
    def live(case: Case) -> None:
        with TemporaryDirectory(prefix="life-") as temporary:
            service = Path(temporary) / "service"
            life = Life(case, service, shared, command)
            for step in case.steps:
                life.step(*step)
                done[step[0]] += 1
            asked = run("app.main", cwd=service)
            assert asked.code == 0, asked.output
            done["life"] += 1
            with (shared / "lives.txt").open("a") as lives:
                lives.write(f"{case}\n")
            if done["life"] % SAMPLE == SAMPLE - 1:
                tests = run("pytest", "-q", "-k", "not until_it_is_told", cwd=service)
                assert tests.code in {0, 5}, tests.output
                done["tested"] += 1
        monkeypatch.chdir("/")

    live()
    with capsys.disabled():
        print(f"\n{dict(done)}")
