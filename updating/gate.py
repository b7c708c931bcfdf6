"""What a release must not do to services that are there: `python -m updating.gate`.

Compares this commit with each release, and says what to add for what would hurt.
"""

import argparse
import ast
import re
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import jinja2
import yaml
from packaging.version import InvalidVersion

from updating.errors import RefusedError
from updating.excluding import unknown
from updating.git import git, names
from updating.migrating import MIGRATE, answered, between, moved, steps
from updating.template import Template

TABLE = "extensions/answers/table.py"
MADE_FROM = ("copier.yml", "extensions", "migrations", "presets", "template")
"""What services are made from; a change of it is told."""
Migrations = Sequence[Sequence[str]]


def problems(template: Template, since: str, at: str) -> Iterator[str]:
    """Yield a line for each change that services would suffer from, and what makes it good."""
    old, new = template.questions(since), template.questions(at)
    migrations = between(steps(new), template.version(since), template.version(at))
    retired = {ref: _retired(template.text(ref, TABLE)) for ref in (since, at)}
    told = template.changes_to_come(at) + template.changes(since, at)
    yield from _questions(old, new, migrations, retired[at], told)
    yield from _types_and_choices(old, new, migrations)
    for key in sorted(retired[since] - retired[at] - _asked(new)):
        yield f"{key}: services may have it still: keep it in RETIRED ({TABLE})."
    yield from _dropped(old, new)
    yield from _files(template, since, at, migrations, told)
    yield from unknown(new)
    if _changed(template, since, at) and "or existing services" not in told:
        yield "CHANGELOG.md: say under Unreleased what it means, 'For existing services: …'."


def _questions(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    migrations: Migrations,
    retired: set[str],
    told: str,
) -> Iterator[str]:
    for key in sorted(_asked(old) - _asked(new)):
        if key not in retired:
            yield f"{key}: the question is gone, services answer it: add it to RETIRED ({TABLE})."
        name, _ = answered(migrations, key)
        if name not in _asked(new) and f"`{name}`" not in told:
            yield (
                f"{key}: the question is gone: if it has another name, add a migration "
                f"({MIGRATE} renamed {name} NEW); if not, tell of `{name}` in CHANGELOG.md."
            )


def _types_and_choices(
    old: Mapping[str, Any], new: Mapping[str, Any], migrations: Migrations
) -> Iterator[str]:
    for key in sorted(_asked(old)):
        name, _ = answered(migrations, key)
        if name not in _asked(new):
            continue
        was, now = old[key], new[name]
        kinds = [(each.get("type"), bool(each.get("multiselect"))) for each in (was, now)]
        if kinds[0] != kinds[1]:
            yield f"{key}: its type is another: give it another name, and retire this one."
        for choice in sorted(_choices(was)) if now.get("choices") else ():
            _, left = answered(migrations, key, choice)
            if left not in _choices(now):
                yield (
                    f"{key}: the choice {choice!r} is gone: add a migration "
                    f"({MIGRATE} chosen {name} {left} NEAREST)."
                )


def _files(
    template: Template, since: str, at: str, migrations: Migrations, told: str
) -> Iterator[str]:
    before, after = (template.files(ref) for ref in (since, at))
    users, now = (template.users(ref) for ref in (since, at))
    likely = _renames(template, since, at)
    removed = "".join(re.findall(r"^### Removed.*?(?=^##|\Z)", told, re.M | re.S))
    for old in sorted(before - after):
        name = moved(migrations, old)
        if not users.match_file(old) and name not in after and f"`{name}`" not in removed:
            new = likely.get(old)
            yield (
                f"{old}: it is gone, and edits of it would be lost: if it is "
                f"{new or 'another file'} now, add a migration "
                f"({MIGRATE} moved {name} {new or 'NEW'}); if not, name `{name}` "
                "under Removed in CHANGELOG.md."
            )
    for name in sorted(before & after):
        if users.match_file(name) != now.match_file(name):
            owner = "the user's" if users.match_file(name) else "the template's"
            yield f"{name}: it was {owner}; services have it as such: give it another name."


def _renames(template: Template, since: str, at: str) -> dict[str, str]:
    """Return the files that git takes for renamed; those that are much changed it does not see."""
    options = ("-r", "-z", "-M", "--diff-filter=R", "--name-status")
    refs = (template.commit(since), template.commit(at))
    listed = names(template.folder, "diff-tree", *options, *refs, "--", "template/")
    return dict(zip(map(_plain, listed[1::3]), map(_plain, listed[2::3]), strict=True))


def _changed(template: Template, since: str, at: str) -> bool:
    refs = (template.commit(since), template.commit(at))
    return bool(git(template.folder, "diff-tree", "-r", *refs, "--", *MADE_FROM))


def _dropped(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    kept = steps(new)
    lost = [(step.words, step.version) for step in steps(old) if step not in kept]
    for words, version in dict.fromkeys(lost):
        yield (
            f"_migrations: {shlex.join(words)} ({version or 'always'}) is gone or another: "
            "put it back, services that skip versions need it."
        )


def _asked(questions: Mapping[str, Any]) -> set[str]:
    """Return the questions that are asked, not computed."""
    return {
        key
        for key, question in questions.items()
        if not key.startswith("_") and question.get("when") is not False
    }


def _choices(question: Mapping[str, Any]) -> set[str]:
    choices = cast("object", question.get("choices") or [])
    if isinstance(choices, dict):
        choices = list(cast("dict[str, object]", choices).values())
    return {str(value) for value in cast("list[object]", choices)}


def _retired(table: str) -> set[str]:
    """Return the keys in the table's RETIRED."""
    for node in ast.walk(ast.parse(table)):
        match node:
            case ast.Assign(targets=[ast.Name(id="RETIRED")], value=ast.expr() as value):
                pass
            case ast.AnnAssign(target=ast.Name(id="RETIRED"), value=ast.expr() as value):
                pass
            case _:
                continue
        return {
            each.value
            for each in ast.walk(value)
            if isinstance(each, ast.Constant) and isinstance(each.value, str)
        }
    return set()


def _plain(name: str) -> str:
    return name.removeprefix("template/").removesuffix(".jinja")


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare and report; the answer is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m updating.gate", description=__doc__)
    parser.add_argument("--since", help="a release, not each")
    parser.add_argument("--at", default="HEAD", help="what is to be released")
    options = parser.parse_args(arguments)
    template = Template(Path.cwd())
    try:
        since = [options.since] if options.since else _releases(template, options.at)
        found = _found(template, since, options.at)
    except (RefusedError, yaml.YAMLError, jinja2.TemplateError, InvalidVersion) as error:
        print(error, file=sys.stderr)
        return 1
    for line in found:
        print(line, file=sys.stderr)
    if options.at == "HEAD" and git(template.folder, "status", "--porcelain", "--", *MADE_FROM):
        print("what is not committed is not looked at.", file=sys.stderr)
    if not since:
        print("nothing is released yet: any change is welcome.")
    elif not found:
        print(f"services of {', '.join(since)} can be updated to this.")
    return 1 if found else 0


def _releases(template: Template, at: str) -> list[str]:
    """Return the releases before a version, newest first.

    Raises:
        RefusedError: the clone has no history, so that it may lack releases.
    """
    if git(template.folder, "rev-parse", "--is-shallow-repository").strip() == "true":
        raise RefusedError(
            "this clone is shallow, and may lack the releases to compare with: "
            "git fetch --unshallow --tags (in GitHub's workflows: fetch-depth: 0)."
        )
    end = template.version(at)
    return [tag for tag in reversed(template.releases) if not end or template.versions[tag] < end]


def _found(template: Template, since: Sequence[str], at: str) -> list[str]:
    """Return the problems of each release's services; those of newer ones are told once."""
    found: dict[str, str] = {}
    for release in since:
        for line in problems(template, release, at):
            found.setdefault(line, release)
    return [
        line if release == since[0] else f"services of {release}: {line}"
        for line, release in found.items()
    ]


if __name__ == "__main__":
    sys.exit(main())
