"""The same answers give the same service, wherever, whenever and from whatever they are given."""

import hashlib
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from tests.output.combinations import AWKWARD, Combination, combinations
from tests.output.conftest import Rendering
from tests.questions.copying import copier, data
from tests.questions.test_files import LITTER
from tests.rendering import commit, git, render, snapshot

ANSWERS_FILE = ".copier-answers.yml"
SOME = [each for number, each in enumerate(combinations()) if not each.answers or number % 8 == 0]
OPTIONS = ("--trust", "--defaults", "--quiet")


def content(service: Path) -> dict[str, str]:
    """Return each file of a service, with a digest of its bytes.

    Where the template lay is left out: each worker of the tests has a copy of its own.
    """
    found: dict[str, str] = {}
    for path in service.rglob("*"):
        if path.is_file() and ".git" not in path.parts:
            data = path.read_bytes()
            if path.name == ANSWERS_FILE:
                data = re.sub(rb"(?m)^_(src_path|commit): .*$", b"", data)
            found[str(path.relative_to(service))] = hashlib.sha256(data).hexdigest()
    return found


@pytest.mark.parametrize("combination", SOME, ids=lambda c: c.name)
def test_the_answers_file_brings_it_all_back(
    combination: Combination, rendering: Rendering, destination: Path
) -> None:
    """As answers, byte for byte, the answers file included."""
    service = rendering(combination)
    answers = yaml.safe_load((service / ANSWERS_FILE).read_text(encoding="utf-8"))
    given = {key: value for key, value in answers.items() if not key.startswith("_")}
    assert content(render(destination, **given)) == content(service)


def test_recopy_needs_nothing_but_the_answers_file(rendering: Rendering, destination: Path) -> None:
    """As for a checkout in CI that is compared with what the template makes of its answers."""
    service = rendering(combinations()[0])
    destination.mkdir()
    shutil.copy(service / ANSWERS_FILE, destination)
    commit(destination)
    options = (*OPTIONS, "--overwrite", "--vcs-ref", "HEAD")
    outcome = copier("recopy", *options, cwd=destination)
    assert outcome.code == 0, outcome.text
    assert content(destination) == content(service)


SURROUNDINGS: Mapping[str, dict[str, str]] = {
    "far away": {"TZ": "Pacific/Kiritimati", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "1"},
    "bare": {"LC_ALL": "C", "PYTHONHASHSEED": "2", "TERM": "dumb"},
    "of somebody": {"USER": "nobody", "HOME": "/nowhere", "NO_COLOR": "1", "CI": "true"},
}


@pytest.mark.parametrize("case", SURROUNDINGS)
def test_surroundings_leave_no_trace(case: str, destination: Path, tmp_path: Path) -> None:
    """Neither time zone, language, hash seed, folder nor the user's settings."""
    here = render(tmp_path / "here", service_type="triage", description=AWKWARD)
    settings = tmp_path / "settings.yml"
    settings.write_text("defaults: {user_name: Somebody, service: x}\ntrust: [/elsewhere]\n")
    given = data(service_type="triage", description=AWKWARD)
    outcome = copier(
        *("copy", *OPTIONS, "--vcs-ref", "HEAD", *given, snapshot(), destination),
        cwd=Path("/"),
        COPIER_SETTINGS_PATH=str(settings),
        **SURROUNDINGS[case],
    )
    assert outcome.code == 0, outcome.text
    assert content(destination) == content(here)


@pytest.fixture
def released(tmp_path: Path) -> Path:
    """Return a clone of the template with two releases, an older commit's and the newest."""
    template = tmp_path / "template"
    shutil.copytree(snapshot(), template, symlinks=True)
    git(template, "tag", "v1.0.0")
    said(template, "of 1.1.0")
    commit(template)
    git(template, "tag", "v1.1.0")
    said(template, "of no release")
    commit(template)
    return template


def said(template: Path, text: str) -> None:
    """Write a line into a file of the template that comes out of every rendering."""
    with (template / "template/Makefile.jinja").open("a") as file:
        file.write(f"# {text}\n")


def last_line(service: Path) -> str:
    """Return the line that `said` has written last."""
    return (service / "Makefile").read_text(encoding="utf-8").splitlines()[-1]


@pytest.mark.parametrize(
    ("reference", "line"),
    [
        ([], "# of 1.1.0"),
        (["--vcs-ref", "v1.0.0"], "-include own.mk"),
        (["--vcs-ref", "HEAD"], "# of no release"),
    ],
    ids=["newest tag", "a tag", "head"],
)
def test_from_a_git_url(reference: list[str], line: str, released: Path, destination: Path) -> None:
    """The newest release is taken, unless another one is named."""
    outcome = copier("copy", *OPTIONS, *reference, f"git+file://{released}", destination)
    assert outcome.code == 0, outcome.text
    assert last_line(destination) == line


def test_from_a_dirty_clone(released: Path, destination: Path) -> None:
    """What is not committed comes along with HEAD; what git ignores does not."""
    said(released, "not committed")
    for name in (name for name in LITTER if not name.startswith(".git/")):
        path = released / "template" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("litter")
    clean = copier("copy", *OPTIONS, "--vcs-ref", "v1.1.0", released, destination)
    assert clean.code == 0, clean.text
    dirty = destination.with_name("dirty")
    outcome = copier("copy", *OPTIONS, "--vcs-ref", "HEAD", released, dirty)
    assert outcome.code == 0, outcome.text
    assert last_line(dirty) == "# not committed"
    assert content(dirty).keys() == content(destination).keys()
    assert "not committed" not in git(released, "log", "-1", "--format=%B", "--stat")


def test_a_clone_with_releases_is_taken_at_the_newest(released: Path, destination: Path) -> None:
    """Also from a folder: whoever works on the template says `--vcs-ref HEAD`."""
    outcome = copier("copy", *OPTIONS, released, destination)
    assert outcome.code == 0, outcome.text
    assert last_line(destination) == "# of 1.1.0"
