"""`make update` and `make update-check`."""

import json
import re
import subprocess
from pathlib import Path

from updating.carrying import carry_out, interactive, shown
from updating.errors import RefusedAnswerError, RefusedError
from updating.git import git
from updating.scratch import Outcome, apply, changed, scratch
from updating.service import Service, answers_of, require_clean, service_at
from updating.template import Template, template_of

UNDO = "git restore --staged --worktree ."
IGNORED = ("--others", "--ignored", "--exclude-standard")


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
    elif current != newest:
        print(f"{current} is newer than the newest release, {newest}.")
    else:
        print(f"{current} is the newest.")
    return 0


def is_newer(template: Template, service: Service, ref: str) -> bool:
    """Whether a version comes after the service's."""
    if not git(
        template.folder, "rev-list", "-1", template.commit(ref), f"^{_here(template, service)}"
    ):
        return False  # what the service has contains it
    mine = template.version(re.sub(r"-\d+-g[0-9a-f]+$", "", service.version))
    other = template.version(ref)
    return not mine or not other or other > mine


def _here(template: Template, service: Service) -> str:
    return template.commit(service.version)


def update(folder: Path, *, to: str | None, yes: bool, checks: bool) -> int:
    """Bring a service to the newest version, or another; the answer is the exit code."""
    service = service_at(folder)
    require_clean(service)
    with template_of(service.url) as template:
        ref = template.named(to) if to else template.newest
        current, wanted = shown(template, service.version), shown(template, ref)
        if not is_newer(template, service, ref):
            if to and template.commit(ref) != _here(template, service):
                raise RefusedError(
                    f"{wanted} is older than {current}, which this service has, and an update only "
                    "goes forward: git revert takes one back."
                )
            print(f"{current} is what this service has; there is nothing to do.")
            return 0
        print(f"{current} → {wanted}", flush=True)
        if told := template.changes(service.version, ref):
            print(f"\n{told}\n", flush=True)
        confirm("Update?", yes=yes)
        with scratch(service) as place:
            try:
                found = carry_out(service, template, place, ref, {})
            except RefusedAnswerError as error:
                way = "make configure changes answers; then update."
                raise RefusedError(f"{error}\n{wanted} does not take that: {way}") from error
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
    if not (files := changed(service, found.tree, "AMDT")):
        print("nothing has changed: it was so before.")
        return 0
    print(
        f"{len(files)} files are changed, staged and not committed: git diff --cached shows them."
    )
    if found.conflicts:
        print(f"{len(found.conflicts)} need you:")
        for name, matter in sorted(found.conflicts.items()):
            print(f"  {name}: {matter}")
        print(f"Finish: edit them, then make check test, git add and git commit. Undo: {UNDO}")
        return 1
    try:
        failed = _failed(service, files, checks=checks)
    except KeyboardInterrupt:
        print(f"\nstopped. Finish: make check test, then git commit. Undo: {UNDO}")
        return 1
    if failed:
        print(f"make {failed} fails, see above. Finish: mend it, then git commit. Undo: {UNDO}")
        return 1
    print(f"Keep it: git commit. Undo: {UNDO}")
    return 0


def _failed(service: Service, files: list[str], *, checks: bool) -> str | None:
    """Renew the lock file and run the checks; return the name of the first that fails."""
    if (service.folder / "uv.lock").exists() and "pyproject.toml" in files:
        if failed := _made(service, "lock"):
            return failed
        if not git(service.folder, "ls-files", *IGNORED, "--", "uv.lock"):
            git(service.folder, "add", "--", "uv.lock")
    goals = ("check", "test") if checks else ()
    return next((goal for goal in goals if _made(service, goal)), None)


def _made(service: Service, goal: str) -> str | None:
    """Run a command of the service; return its name if it fails."""
    print(f"make {goal} …", flush=True)
    return (
        goal if subprocess.run(["make", "--silent", goal], cwd=service.folder).returncode else None
    )
