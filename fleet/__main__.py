"""`python -m fleet demo` and `python -m fleet up [service …]`."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Coroutine
from typing import Any

from fleet.demo import demo
from fleet.services import LEARNFLOW, FleetError
from fleet.up import up


def main() -> int:
    """Run the command; the answer is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m fleet", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("demo", help="follow a student's question through the six services")
    some = commands.add_parser("up", help="start services and stay up")
    some.add_argument("services", nargs="*", metavar="SERVICE", help=", ".join(LEARNFLOW))
    arguments = parser.parse_args()
    try:
        if arguments.command == "demo":
            asyncio.run(_until_signal(demo()))
        else:
            if unknown := [name for name in arguments.services if name not in LEARNFLOW]:
                parser.error(f"no service {', '.join(unknown)}: use {', '.join(LEARNFLOW)}")
            asyncio.run(_until_signal(up([*dict.fromkeys(arguments.services)] or LEARNFLOW)))
    except FleetError as error:
        print(f"failed: {error}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        print("stopped", file=sys.stderr)
        return 0 if arguments.command == "up" else 130
    return 0


async def _until_signal(work: Coroutine[Any, Any, None]) -> None:
    """Run `work`; SIGINT and SIGTERM cancel it, so that it ends what it started."""
    task, loop = asyncio.ensure_future(work), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    await task


if __name__ == "__main__":
    sys.exit(main())
