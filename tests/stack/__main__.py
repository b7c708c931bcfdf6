"""`python -m tests.stack`: the fleet on the real stack, on Redis, then on PostgreSQL."""

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from fleet.services import FleetError
from tests.stack import install
from tests.stack.e2e import BACKENDS, Backend, Result, e2e, table
from tests.stack.kafka import prepared
from tests.stack.part import StackError


def main() -> int:
    """Run it; the exit code is 0 where every run was answered, stored and counted."""
    parser = argparse.ArgumentParser(prog="python -m tests.stack", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--store", choices=BACKENDS, action="append", help="on this one only")
    parser.add_argument(
        "--install", action="store_true", help="only bring what is missing, and try Kafka once"
    )
    arguments = parser.parse_args()
    results: list[Result] = []
    try:
        if arguments.install:
            return _bring()
        asyncio.run(_until_signal(arguments.store or BACKENDS, results))
    except (FleetError, StackError) as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        print("stopped", file=sys.stderr)
        return 130
    if arguments.json:
        print(json.dumps([asdict(result) for result in results], indent=2))
    else:
        print(*table(results), sep="\n")
    return 0


def _bring() -> int:
    """Bring what is missing, and try Kafka once; the exit code is 0 where all could be had."""
    if not install.everything():
        return 1
    prepared()
    return 0


async def _until_signal(stores: Sequence[Backend], results: list[Result]) -> None:
    """Run all; SIGINT and SIGTERM cancel it, so that it ends what it started."""
    started = time.monotonic()

    def progress(text: str) -> None:
        print(f"[{time.monotonic() - started:5.1f} s] {text}", file=sys.stderr, flush=True)

    async def work() -> None:
        for store in stores:
            results.append(await e2e(store, progress))

    task, loop = asyncio.ensure_future(work()), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await task


if __name__ == "__main__":
    sys.exit(main())
