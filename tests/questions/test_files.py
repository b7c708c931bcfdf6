"""Which files come out: all that are asked for, once, and never what merely lies about."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import jinja2
import pytest
import yaml
from pathspec import PathSpec

from tests.questions.copying import copier, copy, data
from tests.rendering import PRESETS, ROOT, commit, git, render, snapshot

ANSWERS_FILE = ".copier-answers.yml"
FEATURES = ("pubsub", "state", "invocation", "agent")
STARTERS = {"app/models/events.py", "app/handlers/events.py"}
LITTER = (
    "app/__pycache__/main.cpython-311.pyc",
    "app/main.pyc",
    ".venv/bin/activate",
    "dev/.venv/lib/a.py",
    ".venv-311/bin/activate",
    "venv/bin/activate",
    "env/bin/activate",
    ".direnv/a",
    ".envrc",
    ".python-version",
    ".tox/a",
    ".nox/a",
    ".pytype/a",
    ".ipynb_checkpoints/a.ipynb",
    ".eggs/a",
    "build/lib/app/main.py",
    "dist/a.whl",
    ".parked/app/a.py",
    ".ruff_cache/a",
    "app/.pytest_cache/a",
    ".mypy_cache/a.json",
    ".hypothesis/a",
    ".import_linter_cache/a",
    "service.egg-info/PKG-INFO",
    "node_modules/a/index.js",
    ".env",
    ".env.local",
    "k8s/tls.key",
    "k8s/tls.pem",
    ".coverage",
    ".coverage.host.1",
    "coverage.xml",
    "htmlcov/index.html",
    ".idea/a.xml",
    ".vscode/a.json",
    "nohup.log",
    "app/main.py.orig",
    "app/main.py.rej",
    "app/main.py.bak",
    ".DS_Store",
    ".git/config",
    "uv.lock",
    "app/.main.py.swp",
    "app/main.py~",
)


def files(folder: Path) -> set[str]:
    """Return the files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def template_files() -> set[str]:
    """Return the files of the template under the names they come out with."""
    listed = files(snapshot() / "template")
    return {
        ANSWERS_FILE if name.startswith("{{") else name.removesuffix(".jinja") for name in listed
    }


def manifest() -> Iterator[tuple[str, str]]:
    """Yield the blocks of the manifest and each pattern in them."""
    for block in yaml.safe_load((ROOT / "copier.yml").read_text())["_exclude"]:
        for line in re.sub(r"{%.*?%}", "", block).split("\n"):
            if line.strip():
                yield block, line.strip()


def test_no_file_is_left_out_everywhere(rendered: Callable[..., Path]) -> None:
    """Each file of the template is in the output of a preset, or begins a topic of one's own."""
    found: set[str] = set()
    for name in PRESETS:
        found |= files(rendered(name, service_type=name))
    assert template_files() - found == STARTERS


@pytest.mark.parametrize("pattern", sorted({p for _, p in manifest() if "/" in p}))
def test_no_line_of_the_manifest_is_dead(pattern: str) -> None:
    """A pattern that names a path names one that is there."""
    spec = PathSpec.from_lines("gitignore", [pattern.removeprefix("!")])
    if pattern.endswith("/"):
        assert (ROOT / "template" / pattern.strip("!/")).is_dir()
    else:
        assert any(map(spec.match_file, template_files())), f"nothing is called {pattern}"


def test_the_manifest_uses_plain_words() -> None:
    """An update renders it in the old version: no filter, test or global of ours may be in it."""
    environment = jinja2.Environment()
    for block, _ in manifest():
        environment.from_string(block).render(
            features=[], topics=[], service_type="", event_types=[]
        )
    for name in PRESETS:
        answers = yaml.safe_load((ROOT / "presets" / f"{name}.yml").read_text())
        for block, _ in manifest():
            environment.from_string(block).render({"event_types": [], **answers})


def test_litter_does_not_come_out(tmp_path: Path) -> None:
    """Caches and environments in a copy that is no repository stay there, links out of it too."""
    template = tmp_path / "template"
    shutil.copytree(snapshot(), template, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    clean = copy(tmp_path / "clean", template=template)
    assert clean.code == 0, clean.text
    for name in LITTER:
        path = template / "template" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("litter")
    (template / "template/.venv/bin/python").symlink_to(sys.executable)
    outcome = copy(tmp_path / "dirty", template=template)
    assert outcome.code == 0, outcome.text
    assert files(tmp_path / "dirty") == files(tmp_path / "clean")
    assert not list((template / "template").rglob("*.cpython-*.pyc"))[1:]


def test_git_ignores_litter() -> None:
    """So that it never gets into a commit, nor into a rendering of a clone with changes."""
    paths = [f"template/{name}" for name in LITTER if not name.startswith(".git/")]
    assert git(ROOT, "check-ignore", "--no-index", *paths).split() == paths
    assert git(ROOT, "ls-files", "--cached", "--ignored", "--exclude-standard") == ""


def test_a_rendering_writes_nothing_into_the_template(tmp_path: Path) -> None:
    """Nor do the checks, which import a package of it."""
    template = tmp_path / "template"
    shutil.copytree(snapshot(), template, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    before = files(template / "template")
    assert copy(tmp_path / "service", template=template).code == 0
    assert files(template / "template") == before


@pytest.fixture
def service(release: Path, tmp_path: Path) -> Path:
    """Return a service from a release, with edits, and something deleted, in its own folders."""
    service = tmp_path / "service"
    topics = "topics=[{name: orders.created, subscribe: true, event_type: OrderCreated}]"
    options = ("--trust", "--defaults", "--quiet", "--data", topics)
    assert copier("copy", *options, release, service).code == 0
    for name in ("app/setup.py", "app/models/events.py"):
        path = service / name
        path.write_text(path.read_text() + "# mine\n")
    (service / "app/handlers/events.py").unlink()
    (service / "app/handlers/orders.py").write_text("# mine\n")
    (service / "tests/test_mine.py").write_text("# mine\n")
    commit(service)
    return service


def mine(service: Path) -> dict[str, str]:
    """Return what is the user's in a service."""
    wanted = ("setup.py", "events.py", "orders.py", "test_mine.py")
    return {
        str(path.relative_to(service)): path.read_text()
        for path in service.rglob("*.py")
        if path.name in wanted
    }


def test_an_update_leaves_alone_what_is_the_users(service: Path, release: Path) -> None:
    """Edits stay, what is deleted stays deleted, and new versions of starters don't come."""
    before = mine(service)
    for name in ("app/setup.py", "app/handlers/events.py.jinja", "app/main.py"):
        path = release / "template" / name
        path.write_text(path.read_text() + "\n# of the template\n")
    commit(release)
    git(release, "tag", "v1.1.0")
    outcome = copier("update", "--trust", "--defaults", "--quiet", cwd=service)
    assert outcome.code == 0, outcome.text
    assert mine(service) == before
    assert "# of the template" in (service / "app/main.py").read_text()
    changed = {line[3:] for line in git(service, "status", "--porcelain").splitlines()}
    assert changed == {ANSWERS_FILE, "app/main.py"}


def test_a_recopy_leaves_alone_what_is_the_users(service: Path) -> None:
    """Edits stay, what is deleted stays deleted, but of the template's it comes back."""
    before = mine(service)
    (service / "app/main.py").write_text("# mine\n")
    (service / "app/core/health.py").unlink()
    outcome = copier("recopy", "--trust", "--defaults", "--quiet", "--overwrite", cwd=service)
    assert outcome.code == 0, outcome.text
    assert mine(service) == before
    assert git(service, "status", "--porcelain") == ""


def test_a_recopy_with_other_answers_begins_what_is_new(service: Path) -> None:
    """With starters: only where the files are the same, what is missing was removed."""
    options = ("--trust", "--defaults", "--quiet", "--overwrite", *data(service_type="crud-api"))
    before = mine(service)
    outcome = copier("recopy", *options, cwd=service)
    assert outcome.code == 0, outcome.text
    after = mine(service)
    assert {name: after[name] for name in before} == before
    assert (service / "app/api/items.py").exists()


def test_rendering_twice_gives_the_same(tmp_path: Path) -> None:
    """There is no clock and no chance in it."""
    one, other = (render(tmp_path / name, service_type="exercise") for name in "ab")
    assert subprocess.run(["diff", "-r", one, other], check=False).returncode == 0
