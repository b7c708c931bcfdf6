"""The gate before a release: what would hurt services is said, with what to add."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from tests.rendering import commit, git
from tests.updates.generations import VERSIONS, migration, replace
from tests.updates.test_property import releases
from updating.gate import main, problems
from updating.template import Template

__all__ = ["releases"]


@pytest.mark.parametrize(("since", "at"), list(pairwise(VERSIONS)))
def test_releases_with_migrations_pass(since: str, at: str, releases: Path) -> None:
    """Those that the tests of updates are made with; only their changelog is silent."""
    found = [line for line in problems(Template(releases), since, at) if "CHANGELOG" not in line]
    assert found == []


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
    core = template / "template/app/core"
    (core / "middleware.py").rename(core / "wrapping.py")
    return "migrations/migrate.py moved app/core/middleware.py app/core/wrapping.py"


def forget_a_retired_key(template: Path) -> str:
    """Clean up too early."""
    table = template / "extensions/answers/table.py"
    retired = 'RETIRED = frozenset({"colour"})'
    replace(table, ("RETIRED: frozenset[str] = frozenset()", retired))
    commit(template)
    git(template, "tag", "--force", "v1.0.0")
    replace(table, (retired, "RETIRED = frozenset[str]()"))
    return "colour: services may have it still"


def use_a_filter_of_ours(template: Path) -> str:
    """Break every update."""
    replace(
        template / "copier.yml", ("'pubsub' not in features", "'pubsub' not in (features | snake)")
    )
    return "_exclude: 'snake' is a filter of ours."


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
    replace(template / "copier.yml", ("How often is a call repeated", "How often is it repeated"))
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
        use_a_filter_of_ours,
        use_a_global_of_ours,
        take_a_file_from_the_user,
        say_nothing,
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
    migration(release, "v2.0.0", "moved", "app/core/middleware.py", "app/core/wrapping.py")
    commit(release)
    monkeypatch.chdir(release)
    assert main([]) == 0
