"""`python -m updating.many FOLDER …`: updates many services, side by side, and prints a table."""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Row:
    """What became of a service."""

    folder: str
    versions: str
    outcome: str
    good: bool


def updated(folder: Path, *, checks: bool) -> Row:
    """Update a service, unless it has nothing to do."""
    state = _run(folder, "check", "--json")
    if state.returncode:
        return Row(str(folder), "", _reason(state.stderr), good=False)
    versions = json.loads(state.stdout)
    if not versions["update"]:
        return Row(str(folder), versions["current"], "is current", good=True)
    done = _run(folder, "update", "--yes", *([] if checks else ["--no-checks"]))
    shown = f"{versions['current']} → {versions['newest']}"
    if done.returncode == 0:
        return Row(str(folder), shown, "updated, to be committed", good=True)
    needing = _needing(done.stdout)
    said = f"needs you: {', '.join(needing)}" if needing else _reason(done.stderr or done.stdout)
    return Row(str(folder), shown, said, good=False)


def _needing(said: str) -> list[str]:
    """Return the files that an update lists at its end; the changelog may have lines like them."""
    _, found, listed = said.rpartition(" need you:\n")
    lines = listed.splitlines() if found else []
    return [line.split(": ")[0].strip() for line in lines if line.startswith("  ")]


def _run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "-m", "updating", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


def _reason(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[0] if lines else "failed"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a table."""
    heads = Row("service", "version", "outcome", good=True)
    widths = [
        max(len(getattr(row, name)) for row in [heads, *rows]) for name in ("folder", "versions")
    ]
    return "\n".join(
        f"{row.folder:<{widths[0]}}  {row.versions:<{widths[1]}}  {row.outcome}"
        for row in [heads, *rows]
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Update and report; 1 if a service needs somebody."""
    parser = argparse.ArgumentParser(prog="python -m updating.many", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--checks", action="store_true", help="run make check and test in each")
    options = parser.parse_args(arguments)
    missing = [str(folder) for folder in options.folders if not folder.is_dir()]
    if missing:
        parser.error(f"there is no {', '.join(missing)}")
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        work = partial(updated, checks=bool(options.checks))
        rows = list(pool.map(work, options.folders))
    print(table(rows))
    return 0 if all(row.good for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
