"""What a release must not do to services that are there: `python -m updating.gate`.

Compares this commit with the last release, and says what to add for what would hurt.
"""

import argparse
import ast
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import jinja2
import yaml
from jinja2 import meta, nodes

from updating.errors import RefusedError
from updating.git import names
from updating.template import Template

TABLE = "extensions/answers/table.py"
MIGRATE = "migrations/migrate.py"
OLD = "Updates render it in the old version, too: use answers and Jinja's own words."


def problems(template: Template, since: str, at: str) -> Iterator[str]:
    """Yield a line for each change that services would suffer from, and what makes it good."""
    old, new = template.questions(since), template.questions(at)
    migrations = list(_migrations(new))
    retired = {ref: _retired(template.text(ref, TABLE)) for ref in (since, at)}
    told = template.changes_to_come(at) + template.changes(since, at)
    yield from _questions(old, new, migrations, retired[at], told)
    yield from _types_and_choices(old, new, migrations)
    for key in sorted(retired[since] - retired[at] - _asked(new)):
        yield f"{key}: services may have it still: keep it in RETIRED ({TABLE})."
    yield from _files(template, since, at, migrations)
    yield from _exclusions(new)
    if old != new and "or existing services" not in told:
        yield "CHANGELOG.md: say under Unreleased what it means, 'For existing services: …'."


def _questions(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    migrations: Sequence[Sequence[str]],
    retired: set[str],
    told: str,
) -> Iterator[str]:
    for key in sorted(_asked(old) - _asked(new)):
        if key not in retired:
            yield f"{key}: the question is gone, services answer it: add it to RETIRED ({TABLE})."
        renamed = any(words[:2] == ["renamed", key] for words in migrations)
        if not renamed and f"`{key}`" not in told:
            yield (
                f"{key}: the question is gone: if it has another name, add a migration "
                f"({MIGRATE} renamed {key} NEW); if not, tell of `{key}` in CHANGELOG.md."
            )


def _types_and_choices(
    old: Mapping[str, Any], new: Mapping[str, Any], migrations: Sequence[Sequence[str]]
) -> Iterator[str]:
    for key in sorted(_asked(old) & _asked(new)):
        kinds = [(each[key].get("type"), bool(each[key].get("multiselect"))) for each in (old, new)]
        if kinds[0] != kinds[1]:
            yield f"{key}: its type is another: give it another name, and retire this one."
        gone = _choices(old[key]) - _choices(new[key]) if new[key].get("choices") else set[str]()
        for choice in sorted(gone):
            if not any(words[:3] == ["chosen", key, choice] for words in migrations):
                yield (
                    f"{key}: the choice {choice!r} is gone: add a migration "
                    f"({MIGRATE} chosen {key} {choice} NEAREST)."
                )


def _files(
    template: Template, since: str, at: str, migrations: Sequence[Sequence[str]]
) -> Iterator[str]:
    options = ("-r", "-z", "-M", "--diff-filter=R", "--name-status")
    refs = (template.commit(since), template.commit(at))
    listed = names(template.folder, "diff-tree", *options, *refs, "--", "template/")
    users = template.users(since)
    for old, new in zip(map(_plain, listed[1::3]), map(_plain, listed[2::3]), strict=True):
        if old != new and not users.match_file(old) and ["moved", old, new] not in migrations:
            yield (
                f"{old}: it is {new} now, and edits of it would be lost: add a migration "
                f"({MIGRATE} moved {old} {new})."
            )
    before, after = (template.files(ref) for ref in (since, at))
    now = template.users(at)
    for name in sorted(before & after):
        if users.match_file(name) != now.match_file(name):
            owner = "the user's" if users.match_file(name) else "the template's"
            yield f"{name}: it was {owner}; services have it as such: give it another name."


def _exclusions(new: Mapping[str, Any]) -> Iterator[str]:
    """Yield what of `_exclude` an older version, in which updates render it, does not know."""
    environment = jinja2.Environment()
    known = {key for key in new if not key.startswith("_")} | {"_copier_operation"}
    for block in new.get("_exclude", []):
        tree = environment.parse(block)
        used = [("filter", each.name, environment.filters) for each in tree.find_all(nodes.Filter)]
        used += [("test", each.name, environment.tests) for each in tree.find_all(nodes.Test)]
        for kind, name, there in used:
            if name not in there:
                yield f"_exclude: {name!r} is a {kind} of ours. {OLD}"
        for name in sorted(meta.find_undeclared_variables(tree) - known):
            yield f"_exclude: {name!r} is no answer. {OLD}"


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


def _migrations(questions: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the kind and the arguments of each migration."""
    for entry in cast("list[object]", questions.get("_migrations") or []):
        command = cast("dict[str, object]", entry)["command"] if isinstance(entry, dict) else entry
        words = shlex.split(command) if isinstance(command, str) else cast("list[str]", command)
        place = next((i for i, word in enumerate(words) if word.endswith(MIGRATE)), None)
        if place is not None:
            yield words[place + 2 :]


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
    parser.add_argument("--since", help="a release, not the last one")
    parser.add_argument("--at", default="HEAD", help="what is to be released")
    options = parser.parse_args(arguments)
    template = Template(Path.cwd())
    since = options.since or template.newest
    if since == "HEAD":
        print("nothing is released yet: any change is welcome.")
        return 0
    try:
        found = list(problems(template, since, options.at))
    except (RefusedError, yaml.YAMLError) as error:
        found = [str(error)]
    for line in found:
        print(line, file=sys.stderr)
    if not found:
        print(f"services of {since} can be updated to this.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
