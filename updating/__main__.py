"""`python -m updating update | check | configure`, in the folder of a service."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from updating.errors import RefusedError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the answer is the exit code."""
    try:
        from updating import configure, update  # here: who stops it meanwhile gets no traceback

        options = _parser(configure.add_arguments).parse_args(arguments)
        folder = Path.cwd()
        match options.command:
            case "check":
                return update.check(folder, as_json=options.json)
            case "update":
                return update.update(
                    folder, to=options.to, yes=options.yes, checks=not options.no_checks
                )
            case _:
                return configure.configure(folder, configure.wish(options))
    except RefusedError as error:
        print(error, file=sys.stderr)
    except KeyboardInterrupt:
        print("\nstopped; nothing is changed.", file=sys.stderr)
    return 1


def _parser(configurable: Callable[[argparse.ArgumentParser], None]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="say whether the template has something newer")
    checking.add_argument("--json", action="store_true", help="as JSON: update, current, newest")
    updating = commands.add_parser("update", help="bring what is new in the template")
    updating.add_argument("--to", metavar="VERSION", help="a version, not the newest")
    configuring = commands.add_parser("configure", help="change answers, not the version")
    configurable(configuring)
    for each in (updating, configuring):
        each.add_argument("--yes", action="store_true", help="ask nothing")
        each.add_argument("--no-checks", action="store_true", help="don't run make check and test")
    return parser


if __name__ == "__main__":
    for ends in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ends, signal.default_int_handler)  # what was begun elsewhere is removed
    sys.exit(main())
