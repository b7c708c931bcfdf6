"""`make update` and `make update-check`."""

import json
import subprocess
from pathlib import Path

from updating.carrying import carry_out, interactive, shown
from updating.errors import RefusedError
from updating.git import git
from updating.scratch import Outcome, apply, changed, scratch
from updating.service import Service, answers_of, require_clean, service_at
from updating.template import Template, template_of

UNDO = "git restore --staged --worktree ."


def check(folder: Path, *, as_json: bool) -> int:
    """Say in a line whether the template has something newer."""
    service = service_at(folder)
    with template_of(service.url) as template:
        ref = template.newest
        newer = is_newer(template, service, ref)
        current, newest = shown(template, service.version), shown(template, ref)
    if as_json:
        print(json.dumps({"update": newer, "current": current, "newest": newest}))
    elif newer:
        print(f"{current} → {newest}: make update brings it.")
    else:
        print(f"{current} is the newest.")
    return 0


def is_newer(template: Template, service: Service, ref: str) -> bool:
    """Whether a version is another than the service's."""
    return template.commit(service.version) != template.commit(ref)


def update(folder: Path, *, to: str | None, yes: bool, checks: bool) -> int:
    """Bring a service to the newest version, or another; the answer is the exit code."""
    service = service_at(folder)
    require_clean(service)
    with template_of(service.url) as template:
        ref = to or template.newest
        if not is_newer(template, service, ref):
            print(f"{shown(template, ref)} is what this service has; there is nothing to do.")
            return 0
        print(f"{shown(template, service.version)} → {shown(template, ref)}", flush=True)
        if told := template.changes(service.version, ref):
            print(f"\n{told}\n", flush=True)
        confirm("Update?", yes=yes)
        with scratch(service) as place:
            found = carry_out(service, template, place, ref, {})
            new = new_answers(service, place)
            apply(service, found)
    for line in new:
        print(line)
    return finish(service, found, checks=checks)


def new_answers(service: Service, place: Path) -> list[str]:
    """Return a line for each question that nobody has been asked."""
    after = answers_of(place)
    gone = [value for key, value in service.answers.items() if key not in after]
    return [
        f"new question {key}, answered {value!r}: make configure changes it."
        for key, value in after.items()
        if key not in service.answers and value not in gone  # a question may have a new name
    ]


def confirm(question: str, *, yes: bool) -> None:
    """Ask whether to go on.

    Raises:
        RefusedError: no, or nobody can be asked.
    """
    if yes:
        return
    if not interactive():
        raise RefusedError('nobody is there to be asked: ARGS="--yes" goes on without.')
    if input(f"{question} [y/N] ").strip().lower() not in {"y", "yes"}:
        raise RefusedError("nothing is changed.")


def finish(service: Service, found: Outcome, *, checks: bool) -> int:
    """Say what is left to do, after the lock file is renewed and the service's checks have run."""
    files = changed(service, found.tree, "AMDT")
    print(
        f"{len(files)} files are changed, staged and not committed: git diff --cached shows them."
    )
    if found.conflicts:
        print(f"{len(found.conflicts)} need you:")
        for name, matter in sorted(found.conflicts.items()):
            print(f"  {name}: {matter}")
        print(f"Finish: edit them, then make check test, git add and git commit. Undo: {UNDO}")
        return 1
    failed: str | None = None
    if (service.folder / "uv.lock").exists() and "pyproject.toml" in files:
        failed = _made(service, "lock")
        if not failed:
            git(service.folder, "add", "--", "uv.lock")
    for goal in ("check", "test") if checks and not failed else ():
        failed = failed or _made(service, goal)
    if failed:
        print(f"make {failed} fails, see above. Finish: mend it, then git commit. Undo: {UNDO}")
        return 1
    print(f"Keep it: git commit. Undo: {UNDO}")
    return 0


def _made(service: Service, goal: str) -> str | None:
    """Run a command of the service; return its name if it fails."""
    print(f"make {goal} …", flush=True)
    return (
        goal if subprocess.run(["make", "--silent", goal], cwd=service.folder).returncode else None
    )
