"""Runs a command that ends when the pipe on its standard input does, however the parent died.

`python supervise.py USER FOLDER COMMAND…` as the leader of a process group; an empty USER is the
same one, and FOLDER, where there is one, goes with a parent that dies.
SIGTERM and SIGINT are passed on, SIGUSR1 as SIGKILL; it ends once the command has.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from types import FrameType

PASSED_ON = {
    signal.SIGTERM: signal.SIGTERM,
    signal.SIGINT: signal.SIGINT,
    signal.SIGUSR1: signal.SIGKILL,
}


def main(user: str, folder: str, *command: str) -> int:
    """Run the command as a user; return its exit code."""
    process = (
        subprocess.Popen(command, stdin=subprocess.DEVNULL, user=user, group=user, extra_groups=())
        if user
        else subprocess.Popen(command, stdin=subprocess.DEVNULL)
    )

    def pass_on(number: int, _: FrameType | None) -> None:
        process.send_signal(PASSED_ON[signal.Signals(number)])

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    orphaned = threading.Event()

    def watch_parent() -> None:
        os.read(0, 1)  # nothing is ever written to it
        orphaned.set()
        process.kill()

    threading.Thread(target=watch_parent, daemon=True).start()
    code = process.wait()
    if orphaned.is_set():
        if folder:
            shutil.rmtree(folder, ignore_errors=True)
        os.killpg(0, signal.SIGKILL)
    return code & 0xFF


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
