"""`python -m tests.contract`: the contract on the embedded sidecar, as a table of its cases.

With `--stack` on real daprd as well. Ends with 1 if a case fails.
"""

import sys

import pytest

from tests.contract.table import Table


def main(arguments: list[str]) -> int:
    """Run the cases and print the table."""
    table = Table()
    marked = "" if "--stack" in arguments else "not stack"
    code = pytest.main(
        ["tests/contract", "-q", "--no-header", "-r", "fE", "-p", "no:xdist", "-m", marked],
        plugins=[table],
    )
    print(table.markdown())
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
