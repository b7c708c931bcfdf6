"""The gate before a release: what would hurt services is said, with what to add."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

from tests.rendering import ROOT, commit, git
from tests.updates.conftest import append
from tests.updates.generations import VERSIONS, migration, replace
from tests.updates.test_property import releases
from updating.gate import main, problems
from updating.template import Template

__all__ = ["releases"]

WRAPPING = ("app/core/middleware.py", "app/core/wrapping.py")


@pytest.mark.parametrize(("since", "at"), [*pairwise(VERSIONS), (VERSIONS[0], VERSIONS[-1])])
def test_releases_with_migrations_pass(since: str, at: str, releases: Path) -> None:
    """Those that the tests of updates are made with."""
    assert list(problems(Template(releases), since, at)) == []


def remove_a_question(template: Path) -> str:
    """Forget that services answer it."""
    text = (template / "copier.yml").read_text()
    start, end = text.index("max_retries:\n"), text.index("# ----", text.index("max_retries:\n"))
    (template / "copier.yml").write_text(text[:start] + text[end:])
    return "max_retries: the question is gone, services answer it: add it to RETIRED"


def rename_a_question(template: Path) -> str:
    """Forget the migration."""
    replace(template / "copier.yml", ("max_retries", "retries"))
    replace(
        template / "extensions/answers/table.py",
        ("RETIRED: frozenset[str] = frozenset()", 'RETIRED = frozenset({"max_retries"})'),
    )
    return "migrations/migrate.py renamed max_retries NEW"


def remove_a_choice(template: Path) -> str:
    """Leave those who chose it without."""
    replace(template / "copier.yml", ("    PostgreSQL: postgresql\n", ""))
    return "state_backend: the choice 'postgresql' is gone: add a migration"


def change_a_type(template: Path) -> str:
    """Ask for another kind of answer under the old name."""
    replace(template / "copier.yml", ("max_retries:\n  type: int", "max_retries:\n  type: str"))
    return "max_retries: its type is another"


def rename_a_file(template: Path) -> str:
    """Forget the migration."""
    old, new = WRAPPING
    (template / "template" / old).rename(template / "template" / new)
    return f"migrations/migrate.py moved {old} {new}"


def forget_a_retired_key(template: Path) -> str:
    """Clean up too early."""
    table = template / "extensions/answers/table.py"
    retired = 'RETIRED = frozenset({"colour"})'
    replace(table, ("RETIRED: frozenset[str] = frozenset()", retired))
    commit(template)
    git(template, "tag", "--force", "v1.0.0")
    replace(table, (retired, "RETIRED = frozenset[str]()"))
    return "colour: services may have it still"


def move_in_one_stage(template: Path) -> str:
    """Bring the file, and not what was edited in it."""
    rename_a_file(template)
    migration(template, "v2.0.0", "moved", *WRAPPING)
    replace(template / "copier.yml", ("_stage in ['before', 'after']", "_stage == 'after'"))
    return "app/core/middleware.py: it is gone"


def move_with_the_last_release(template: Path) -> str:
    """Have the migration stand where no service comes past it."""
    rename_a_file(template)
    migration(template, "v1.0.0", "moved", *WRAPPING)
    return "app/core/middleware.py: it is gone"


def rename_with_the_last_release(template: Path) -> str:
    """Have the answer become the default."""
    rename_a_question(template)
    migration(template, "v1.0.0", "renamed", "max_retries", "retries")
    return "migrations/migrate.py renamed max_retries NEW"


def rename_to_nothing(template: Path) -> str:
    """Name a question that there is not."""
    rename_a_question(template)
    migration(template, "v2.0.0", "renamed", "max_retries", "retires")
    return "migrations/migrate.py renamed retires NEW"


def move_twice_in_the_wrong_order(template: Path) -> str:
    """Have the second migration run before the first."""
    rename_a_file(template)
    migration(template, "v2.0.0", "moved", "app/core/between.py", WRAPPING[1])
    migration(template, "v2.0.0", "moved", WRAPPING[0], "app/core/between.py")
    return "migrations/migrate.py moved app/core/between.py"


def forget_a_migration(template: Path) -> str:
    """Leave those behind who skip versions."""
    migration(template, "v1.0.0", "chosen", "python_version", "3.10", "3.11")
    commit(template)
    git(template, "tag", "--force", "v1.0.0")
    questions = template / "copier.yml"
    text = questions.read_text()
    start, end = text.index("  - version:"), text.index("\n_message_after_copy:")
    questions.write_text(text[:start] + text[end:])
    return "_migrations: chosen python_version 3.10 3.11 (1.0.0) is gone"


def rename_and_rewrite_a_file(template: Path) -> str:
    """So much that git takes it for another one."""
    (template / "template/app/core/middleware.py").unlink()
    (template / "template/app/core/wrapping.py").write_text('"""Another one."""\n')
    return "app/core/middleware.py: it is gone"


def hurt_those_of_an_older_release(template: Path) -> str:
    """Release what breaks, and look at the next version only."""
    rename_a_file(template)
    commit(template)
    git(template, "tag", "v1.1.0")
    return "services of v1.0.0: app/core/middleware.py: it is gone"


def use_a_filter_of_ours(template: Path) -> str:
    """Break every update."""
    replace(
        template / "copier.yml", ("'pubsub' not in features", "'pubsub' not in (features | snake)")
    )
    return "_exclude: 'snake' is a filter of ours."


def use_a_filter_of_ours_by_name(template: Path) -> str:
    """Break every update where Jinja does not see it before it runs."""
    replace(
        template / "copier.yml",
        ("'pubsub' not in features", "'pubsub' not in features | map('snake')"),
    )
    return "_exclude: 'snake' is a filter of ours."


def use_a_test_of_ours_by_name(template: Path) -> str:
    """Break every update in the same way."""
    replace(
        template / "copier.yml",
        ("'pubsub' not in features", "not topics | selectattr('name', 'ours') | list"),
    )
    return "_exclude: 'ours' is a test of ours."


def use_a_tag_of_ours(template: Path) -> str:
    """Have an extension that the old version does not have."""
    replace(
        template / "copier.yml",
        ("{% if 'pubsub' not in features", "{% ours %}{% if 'x' in features"),
    )
    return "_exclude: Encountered unknown tag 'ours'."


def use_a_global_of_ours(template: Path) -> str:
    """Break every update in another way."""
    replace(template / "copier.yml", ("'pubsub' not in features", "preset(service_type).port"))
    return "_exclude: 'preset' is no answer."


def take_a_file_from_the_user(template: Path) -> str:
    """Overwrite what they wrote."""
    replace(template / "copier.yml", ("  - app/setup.py\n", ""))
    return "app/setup.py: it was the user's"


def say_nothing(template: Path) -> str:
    """Leave people to find out."""
    (template / "CHANGELOG.md").write_text("# Changelog\n")
    replace(template / "copier.yml", ("is a call repeated that", "is it repeated that"))
    return "CHANGELOG.md: say under Unreleased"


def say_nothing_of_a_file(template: Path) -> str:
    """Leave people to find out what of theirs meets it."""
    (template / "CHANGELOG.md").write_text("# Changelog\n")
    append(template / "template/app/main.py", "# newer")
    return "CHANGELOG.md: say under Unreleased"


@pytest.mark.parametrize(
    "spoil",
    [
        remove_a_question,
        rename_a_question,
        remove_a_choice,
        change_a_type,
        rename_a_file,
        forget_a_retired_key,
        move_in_one_stage,
        move_with_the_last_release,
        rename_with_the_last_release,
        rename_to_nothing,
        move_twice_in_the_wrong_order,
        forget_a_migration,
        rename_and_rewrite_a_file,
        hurt_those_of_an_older_release,
        use_a_filter_of_ours,
        use_a_filter_of_ours_by_name,
        use_a_test_of_ours_by_name,
        use_a_tag_of_ours,
        use_a_global_of_ours,
        take_a_file_from_the_user,
        say_nothing,
        say_nothing_of_a_file,
    ],
)
def test_what_would_hurt_is_said(
    spoil: Callable[[Path], str],
    release: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """In a line of what to add, with 1."""
    told = spoil(release)
    commit(release)
    monkeypatch.chdir(release)
    assert main([]) == 1
    assert told in capsys.readouterr().err


def test_what_was_added_is_enough(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate opens when what it asked for is there."""
    rename_a_question(release)
    rename_a_file(release)
    migration(release, "v2.0.0", "renamed", "max_retries", "retries")
    migration(release, "v2.0.0", "moved", *WRAPPING)
    commit(release)
    monkeypatch.chdir(release)
    assert main([]) == 0


def test_a_file_that_is_gone_is_named_under_removed(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That it is gone on purpose is told to those who edited it."""
    (release / "template" / WRAPPING[0]).unlink()
    append(release / "CHANGELOG.md", "", "### Removed", "", f"- `{WRAPPING[0]}`: nobody used it.")
    commit(release)
    monkeypatch.chdir(release)
    assert main([]) == 0


def test_migrations_lead_on_from_each_other(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that has its second new name needs no migration from its first."""
    rename_a_file(release)
    migration(release, "v1.1.0", "moved", WRAPPING[0], "app/core/between.py")
    migration(release, "v2.0.0", "moved", "app/core/between.py", WRAPPING[1])
    commit(release)
    monkeypatch.chdir(release)
    assert main([]) == 0


def test_a_shallow_clone_is_refused(
    release: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It may lack releases, and would pass anything."""
    git(tmp_path, "clone", "--quiet", "--depth=1", "--no-tags", release.as_uri(), "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    assert main([]) == 1
    assert "git fetch --unshallow --tags" in capsys.readouterr().err


def test_ci_fetches_the_releases_that_the_gate_compares_with() -> None:
    """In each job that runs it."""
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        for job in yaml.safe_load(path.read_text())["jobs"].values():
            commands = " ".join(step.get("run", "") for step in job["steps"])
            if "make check" in commands or "updating.gate" in commands:
                checkout = job["steps"][0]
                assert checkout["uses"].startswith("actions/checkout@")
                assert checkout["with"]["fetch-depth"] == 0
