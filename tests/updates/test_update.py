"""`make update`: done, or a conflict that is told, or nothing at all."""

import json
import re
import shutil
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from tests.rendering import commit, git
from tests.updates.conftest import Command, append, generate, status, tag
from updating.__main__ import main
from updating.template import CLONE
from updating.update import UNDO


@pytest.fixture
def newer(release: Path) -> Path:
    """Return a template with a second version: a file more, one changed, and a changelog."""
    append(release / "template/app/main.py", "", "# of the template")
    append(release / "template/app/core/more.py", '"""More."""')
    changelog = release / "CHANGELOG.md"
    text = changelog.read_text()
    news = "## 1.1.0\n\n- More. For existing services: nothing to do.\n\n"
    changelog.write_text(text.replace("## Unreleased", news + "## Unreleased"))
    tag(release, "v1.1.0")
    return release


def test_what_is_new_comes(
    service: Path, newer: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the versions and the changelog, staged; one command undoes it."""
    append(service / "app/handlers/orders.py", "# mine")
    commit(service)
    assert command(service, "update", template=newer) == 0
    said = capsys.readouterr().out
    assert "1.0.0 → 1.1.0\n" in said
    assert "- More. For existing services: nothing to do." in said
    assert "Unreleased" not in said
    assert status(service) == ["M  .copier-answers.yml", "A  app/core/more.py", "M  app/main.py"]
    git(service, *UNDO.split()[1:])
    assert status(service) == []
    assert git(service, "worktree", "list").count("\n") == 1


def test_a_copied_repository_is_clean(
    service: Path, newer: Path, tmp_path: Path, command: Command
) -> None:
    """Although git's index knows other times of all files."""
    copy = tmp_path / "copy"
    shutil.copytree(service, copy)
    assert command(copy, "update", template=newer) == 0
    assert "M  app/main.py" in status(copy)


def test_there_is_nothing_to_do(service: Path, release: Path, command: Command) -> None:
    """At the newest version."""
    assert command(service, "update", template=release) == 0
    assert status(service) == []


def test_a_conflict_is_told(
    service: Path, newer: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """With 1, the file's name, the way on and the way back; both lines are in the file."""
    append(service / "app/main.py", "", "# mine")
    commit(service)
    assert command(service, "update", template=newer) == 1
    said = capsys.readouterr().out
    assert "  app/main.py: both sides changed it: see <<<<<<<\n" in said
    assert f"Undo: {UNDO}" in said
    text = (service / "app/main.py").read_text()
    assert "# mine" in text
    assert "# of the template" in text
    assert "UU app/main.py" in status(service)
    git(service, *UNDO.split()[1:])
    assert status(service) == []


def test_an_edit_of_a_dropped_file_is_not_lost(
    service: Path, newer: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """Copier would drop it in silence: it is in a `.rej`, and the update ends with 1."""
    append(service / "app/core/health.py", "# mine")
    commit(service)
    (newer / "template/app/core/health.py").unlink()
    tag(newer, "v1.2.0")
    assert command(service, "update", template=newer) == 1
    assert "app/core/health.py.rej: your edit of app/core/health.py" in capsys.readouterr().out
    assert "+# mine\n" in (service / "app/core/health.py.rej").read_text()


def make_dirty(service: Path, _: Path) -> str:
    """Leave a change that is not committed."""
    append(service / "app/main.py", "# not committed")
    return "there are changes that are not committed"


def delete_answers(service: Path, _: Path) -> str:
    """Lose the answers file."""
    (service / ".copier-answers.yml").unlink()
    commit(service)
    return ".copier-answers.yml is missing"


def lose_a_version(service: Path, _: Path) -> str:
    """Name a version that there is not."""
    path = service / ".copier-answers.yml"
    path.write_text(path.read_text().replace("v1.0.0", "v0.9.0"))
    commit(service)
    return "the template has no version 'v0.9.0'"


def other_bytes(service: Path, _: Path) -> str:
    """Write what is no UTF-8 into a file of the template."""
    (service / "app/main.py").write_bytes((service / "app/main.py").read_bytes() + b"# caf\xe9\n")
    commit(service)
    return "these are no UTF-8"


def need_a_newer_copier(_: Path, template: Path) -> str:
    """Release what this Copier does not understand."""
    path = template / "copier.yml"
    path.write_text(path.read_text().replace('"9.18.0"', '"99.0.0"'))
    tag(template, "v2.0.0")
    return "v2.0.0 needs Copier 99.0.0 or later"


def refuse_an_answer(_: Path, template: Path) -> str:
    """Release a rule that an old answer breaks."""
    path = template / "template/app/core/declaration/service.py"
    path.write_text(path.read_text().replace("ge=1024", "ge=9000"))
    tag(template, "v2.0.0")
    return (
        "port: 8000 is no port to listen on: use a whole number from 1024 to 65535, for example "
        "8000.\n2.0.0 does not take that: make configure changes answers; then update.\n"
    )


def get_in_the_way(service: Path, mine: str, template: Path, theirs: str) -> str:
    """Have a file, and release one that has no room beside it."""
    append(service / mine, "mine")
    commit(service)
    append(template / "template" / theirs, "# more")
    tag(template, "v2.0.0")
    return "rename yours"


def put_a_file_in_the_way(service: Path, template: Path) -> str:
    """Have a file where the template will have a folder."""
    return get_in_the_way(service, "app/extras", template, "app/extras/more.py")


def put_a_folder_in_the_way(service: Path, template: Path) -> str:
    """Have a folder where the template will have a file."""
    return get_in_the_way(service, "app/extras.py/mine", template, "app/extras.py")


def leave_a_conflict(service: Path, _: Path) -> str:
    """Commit both sides of a conflict as they are."""
    marks = ("<<<<<<< before updating", "mine", "=======", "theirs", ">>>>>>> after updating")
    append(service / "app/main.py", *marks)
    commit(service)
    return "app/main.py: the conflict of an earlier update"


def hide_a_file_in_the_way(service: Path, template: Path) -> str:
    """Have a file that git ignores where the template will have one."""
    append(service / ".gitignore", "secret.py")
    commit(service)
    append(service / "app/secret.py", "mine")
    append(template / "template/app/secret.py", "# more")
    tag(template, "v2.0.0")
    return "app/secret.py is in the place of a file of the template"


def break_a_migration(_: Path, template: Path) -> str:
    """Release a migration that fails."""
    append(template / "copier.yml", "_migrations:", "  - 'false'")
    tag(template, "v2.0.0")
    return "Task 'false' returned non-zero exit status 1."


@pytest.mark.parametrize(
    "spoil",
    [
        make_dirty,
        delete_answers,
        lose_a_version,
        other_bytes,
        need_a_newer_copier,
        refuse_an_answer,
        put_a_file_in_the_way,
        put_a_folder_in_the_way,
        leave_a_conflict,
        hide_a_file_in_the_way,
        break_a_migration,
    ],
)
def test_a_failure_leaves_the_service_as_it_was(
    spoil: Callable[[Path, Path], str],
    service: Path,
    newer: Path,
    command: Command,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It ends with 1 and a message that says why."""
    told = spoil(service, newer)
    before = status(service), git(service, "stash", "create"), files(service)
    assert command(service, "update", template=newer) == 1
    assert told in capsys.readouterr().err
    assert (status(service), git(service, "stash", "create"), files(service))[::2] == before[::2]


def files(service: Path) -> dict[str, bytes]:
    """Return all files of a service, but git's own."""
    return {
        str(path.relative_to(service)): path.read_bytes()
        for path in service.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(service).parts
    }


def test_leftovers_that_git_ignores_do_no_harm(
    service: Path, newer: Path, command: Command
) -> None:
    """A `.rej` of long ago makes Copier itself fail."""
    append(service / ".gitignore", "*.rej")
    commit(service)
    append(service / "app/gone.py.rej", "old")
    assert command(service, "update", template=newer) == 0
    assert (service / "app/gone.py.rej").read_text() == "old\n"


def test_in_a_folder_of_a_larger_repository(newer: Path, tmp_path: Path, command: Command) -> None:
    """Changes elsewhere in it neither hinder nor change."""
    service = tmp_path / "all/services/orders"
    generate(newer, service, service_name="orders-service")
    git(service, "init", "--quiet")
    git_folder = service / ".git"
    git_folder.rename(tmp_path / "gone")
    append(tmp_path / "all/other.txt", "other")
    commit(tmp_path / "all")
    append(tmp_path / "all/other.txt", "not committed")
    assert command(service, "update", template=newer) == 0
    prefix = "services/orders"
    assert status(tmp_path / "all") == [
        " M other.txt",
        f"M  {prefix}/.copier-answers.yml",
        f"A  {prefix}/app/core/more.py",
        f"M  {prefix}/app/main.py",
    ]


def test_files_with_crlf_keep_it(service: Path, newer: Path, command: Command) -> None:
    """They merge like all others."""
    path = service / "app/main.py"
    path.write_bytes(
        b"# mine\n".replace(b"\n", b"\r\n") + path.read_bytes().replace(b"\n", b"\r\n")
    )
    commit(service)
    assert command(service, "update", template=newer) == 0
    text = path.read_bytes()
    assert text.startswith(b"# mine\r\n")
    assert text.endswith(b"# of the template\r\n")
    assert text.count(b"\n") == text.count(b"\r\n")


def test_the_lock_file_is_renewed(
    service: Path, release: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the service's own command, where dependencies changed; a failure is told."""
    append(service / "uv.lock", "old")
    makefile = service / "Makefile"
    text = makefile.read_text()
    start, end = text.index("lock: "), text.index("update: ")
    makefile.write_text(f"{text[:start]}lock: ## Lock\n\techo new > uv.lock\n\n{text[end:]}")
    commit(service)
    project = release / "template/pyproject.toml.jinja"
    project.write_text(project.read_text().replace("pyyaml>=6.0.3", "pyyaml>=6.0.4"))
    tag(release, "v1.1.0")
    assert command(service, "update", template=release) == 0, capsys.readouterr()
    assert (service / "uv.lock").read_text() == "new\n"
    assert "M  uv.lock" in status(service)


def test_a_lock_file_that_git_ignores_stays_out(
    service: Path, release: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is renewed, not staged."""
    append(service / "own.mk", "lock:", "\t@echo new > uv.lock")
    append(service / ".gitignore", "uv.lock")
    commit(service)
    append(service / "uv.lock", "old")
    project = release / "template/pyproject.toml.jinja"
    project.write_text(project.read_text().replace("pyyaml>=6.0.3", "pyyaml>=6.0.4"))
    tag(release, "v1.1.0")
    assert command(service, "update", template=release) == 0, capsys.readouterr()
    assert (service / "uv.lock").read_text() == "new\n"
    assert capsys.readouterr().out.endswith(f"Undo: {UNDO}\n")
    assert not any("uv.lock" in line for line in status(service))


def test_an_update_goes_forward_only(
    service: Path, newer: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """From a version before a release, or from a commit after one, there is nothing newer."""
    append(newer / "template/app/core/next.py", '"""Next."""')
    tag(newer, "v2.0.0-rc.1")
    assert command(service, "update", "--to", "v2.0.0-rc.1", template=newer) == 0
    commit(service)
    assert command(service, "check") == 0
    assert capsys.readouterr().out.endswith("2.0.0rc1 is newer than the newest release, 1.1.0.\n")
    assert command(service, "update") == 0
    assert command(service, "update", "--to", "v1.1.0") == 1
    assert "1.1.0 is older than 2.0.0rc1" in capsys.readouterr().err
    assert status(service) == []
    append(newer / "template/app/core/last.py", '"""Last."""')
    commit(newer)
    assert command(service, "update", "--to", "HEAD") == 0
    commit(service)
    assert "_commit: v2.0.0-rc.1-1-g" in (service / ".copier-answers.yml").read_text()
    assert command(service, "check", "--json") == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["update"] is False
    tag(newer, "v2.0.0")
    append(newer / "template/app/core/end.py", '"""End."""')
    tag(newer, "v2.1.0")
    assert command(service, "update") == 0
    assert "A  app/core/end.py" in status(service)


def test_a_commit_of_digits_is_no_version(
    release: Path, tmp_path: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of 27 begins with seven of them; a service from such a one gets updates all the same."""
    git(release, "tag", "--delete", "v1.0.0")
    for number in count():
        git(release, "commit", "--quiet", "--amend", f"--message={number}")
        if git(release, "describe", "--tags", "--always").strip().isdecimal():
            break
    service = generate(release, tmp_path / "service", at="HEAD")
    append(release / "template/app/core/next.py", '"""Next."""')
    tag(release, "v1.1.0")
    assert command(service, "check", template=release) == 0
    assert " → 1.1.0: make update brings it." in capsys.readouterr().out
    assert command(service, "update") == 0
    assert "A  app/core/next.py" in status(service)


def test_a_version_that_there_is_not_is_refused(
    service: Path, newer: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """With those that there are."""
    assert command(service, "update", "--to", "v9", template=newer) == 1
    said = capsys.readouterr().err
    assert said == "the template has no version 'v9'; its versions: v1.0.0, v1.1.0.\n"


def test_checks_that_fail_are_told(
    service: Path,
    newer: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """With 1; what the update brought is there, to be mended."""
    makefile = service / "Makefile"
    text = makefile.read_text()
    for goal, recipe in [("check", "@echo all is well"), ("test", "@echo one fails; false")]:
        start, end = re.search(rf"^{goal}: .*\n(\t.*\n)+", text, re.MULTILINE).span()  # pyright: ignore[reportOptionalMemberAccess]
        text = f"{text[:start]}{goal}: ## mine\n\t{recipe}\n{text[end:]}"
    makefile.write_text(text)
    commit(service)
    monkeypatch.chdir(service)
    monkeypatch.setenv(CLONE, str(newer))
    assert main(["update", "--yes"]) == 1
    said = capfd.readouterr().out
    assert "all is well\nmake test …\none fails\n" in said
    assert said.endswith(
        f"make test fails, see above. Finish: mend it, then git commit. Undo: {UNDO}\n"
    )
    assert "A  app/core/more.py" in status(service)


def test_the_check_is_a_line(
    service: Path, newer: Path, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    """Or JSON, for machines."""
    assert command(service, "check", template=newer) == 0
    assert capsys.readouterr().out == "1.0.0 → 1.1.0: make update brings it.\n"
    assert command(service, "check", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said == {"update": True, "current": "1.0.0", "newest": "1.1.0"}
    assert command(service, "update") == 0
    assert command(service, "check") == 0
    assert capsys.readouterr().out.endswith("1.1.0 is the newest.\n")
