"""Stands in for the Python that is started by what `preloaded.py` runs: the module runs in a fork.

Called as `python -m MODULE ARGUMENT…`, beside the socket; streams and signals are passed on.
"""

import json
import os
import signal
import socket
import sys


def main(option: str, module: str, *arguments: str) -> int:
    """Ask for it and end as it does."""
    assert option == "-m", f"only modules are run, not {option}"
    order = {"module": module, "arguments": arguments, "cwd": os.getcwd(), "env": {**os.environ}}
    with socket.socket(socket.AF_UNIX) as server:
        os.chdir(os.path.dirname(sys.argv[0]))  # addresses must be short
        server.connect("orders")
        socket.send_fds(server, [json.dumps(order).encode()], [0, 1, 2])
        answers = server.makefile()
        process = int(answers.readline())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: os.kill(process, number))
        code = int(answers.readline())
    if code < 0:
        signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
