"""`python -m benchmarks`: measure everything, print one table, write `results.json` beside this."""

import sys
from pathlib import Path

from benchmarks import agent, building_blocks, clients, rendering, updating
from benchmarks.figures import Figure, table, write

BENCHMARKS = (rendering, updating, clients, building_blocks, agent)
RESULTS = Path(__file__).with_name("results.json")


def main() -> None:
    """Measure and report; a missed goal is a line that says so, as machines are busy at times."""
    figures: list[Figure] = []
    for benchmark in BENCHMARKS:
        print(f"{benchmark.__name__} …", file=sys.stderr)
        figures += benchmark.figures()
    print(table(figures))
    write(figures, RESULTS)


if __name__ == "__main__":
    main()
