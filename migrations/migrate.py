"""What `_migrations` of copier.yml run, in a service that is updated past their version.

    migrate.py STAGE moved OLD NEW             a file of the template has another name
    migrate.py STAGE renamed OLD NEW           a question has another name
    migrate.py STAGE chosen QUESTION OLD NEW   a choice is gone, and another is nearest to it

STAGE is Copier's: `before` or `after`. It runs in Copier's environment and imports nothing of this
repository, so that `copier update` can run it as `make update` does.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import yaml

ANSWERS, PARKED = Path(".copier-answers.yml"), Path(".parked")
NOTES = PARKED / "answers.yml"
MOVED = "learnflow-moved"
"""In git's folder: the old names of files whose edits are carried over."""
LABELS = ("-L", "before updating", "-L", "last update", "-L", "after updating")


def moved(stage: str, old: str, new: str) -> None:
    """Carry the user's edits over to the new name of a file, which may get another one right after.

    `git mv` alone would not do: to Copier both sides then added the file, and all of it conflicts.
    """
    if stage == "before":
        _keep(old, new)
        _park(old, new)
    else:
        _merge(new)


def _keep(old: str, new: str) -> None:
    kept, earlier = _note(new), _note(old)
    shutil.rmtree(kept, ignore_errors=True)  # of an update that was undone
    if Path(old).is_file():
        if (base := _as_it_came(old)) != Path(old).read_bytes():
            kept.mkdir(parents=True)
            (kept / "base").write_bytes(base)
            (kept / "mine").write_bytes(Path(old).read_bytes())
            (kept / "old").write_text(old, encoding="utf-8")
    elif (earlier / "mine").is_file():
        earlier.rename(kept)


def _park(old: str, new: str) -> None:
    """Let the edits of a file that is off for now be those of the new name."""
    patch, target = (PARKED / f"{name}.patch" for name in (old, new))
    if patch.is_file():
        head, mark, rest = patch.read_bytes().partition(b"\n@@")
        target.parent.mkdir(parents=True, exist_ok=True)
        # Copier would bring one back that only the work tree is without.
        if subprocess.run(["git", "mv", patch, target], capture_output=True).returncode:
            patch.rename(target)
        target.write_bytes(head.replace(old.encode(), new.encode()) + mark + rest)


def _merge(new: str) -> None:
    kept = _note(new)
    base, mine = kept / "base", kept / "mine"
    if not mine.is_file():
        return
    if Path(new).is_file():
        names = (mine, base, new)
        merged = subprocess.run(["git", "merge-file", "-p", *LABELS, *names], capture_output=True)
        Path(new).write_bytes(merged.stdout)
    else:
        rejected = Path(f"{(kept / 'old').read_text(encoding='utf-8')}.rej")
        rejected.parent.mkdir(parents=True, exist_ok=True)
        rejected.write_bytes(mine.read_bytes())
    base.unlink()  # the name is left: `make update` reads it
    mine.unlink()


def _note(new: str) -> Path:
    return _git_path(MOVED) / new.replace("/", "+")


def _as_it_came(name: str) -> bytes:
    """Return a file as the service's version of the template has it, or renders it."""
    template, version = Path(__file__).parents[1], os.environ["VERSION_FROM"]
    plain = subprocess.run(
        ["git", "-C", template, "show", f"{version}:template/{name}"], capture_output=True
    )
    if plain.returncode == 0:
        return plain.stdout
    import copier  # takes longer than all the rest, and is almost never needed

    answers = yaml.safe_load(_git("show", f"HEAD:./{ANSWERS}"))
    with TemporaryDirectory() as temporary:
        copier.run_copy(
            answers["_src_path"],
            Path(temporary) / "service",
            data={key: value for key, value in answers.items() if not key.startswith("_")},
            vcs_ref=version,
            defaults=True,
            unsafe=True,
            quiet=True,
        )
        path = Path(temporary) / "service" / name
        return path.read_bytes() if path.is_file() else b""


def renamed(stage: str, old: str, new: str) -> None:
    """Give an answer the new name of its question."""
    if stage == "before":
        _change(lambda answers: {new if key == old else key: answers[key] for key in answers})


def chosen(stage: str, question: str, old: str, new: str) -> None:
    """Answer a question with a choice that is left, where it was answered with one that is gone."""

    def change(answers: dict[str, Any]) -> dict[str, Any]:
        if question in answers:
            answers[question] = _replaced(answers[question], old, new)
        return answers

    if stage == "before":
        _change(change)


def _replaced(answer: Any, old: str, new: str) -> Any:
    if isinstance(answer, list):
        return [new if each == old else each for each in cast("list[Any]", answer)]
    return new if str(answer) == old else answer


def _change(change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change the answers, and those that are kept of features that are off."""
    _write(ANSWERS, change(_read(ANSWERS)))
    if NOTES.is_file():
        kept = _read(NOTES)
        for note in kept.values():
            note["answers"] = change(note.get("answers", {}))
        _write(NOTES, kept)


def _read(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", yaml.safe_load(path.read_text(encoding="utf-8")))


def _write(path: Path, content: dict[str, Any]) -> None:
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    head = "".join(takewhile(lambda line: line.startswith("#"), lines))
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    path.write_text(head + text, encoding="utf-8")


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], check=True, capture_output=True, encoding="utf-8")
    return done.stdout.strip()


def _git_path(name: str) -> Path:
    return Path(_git("rev-parse", "--git-path", name))


KINDS: dict[str, Callable[..., None]] = {"moved": moved, "renamed": renamed, "chosen": chosen}

if __name__ == "__main__":
    stage, kind, *arguments = sys.argv[1:]
    KINDS[kind](stage, *arguments)
