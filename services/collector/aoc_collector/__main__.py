"""Run the collector: `python -m aoc_collector`."""

import sys

from aoc_collector.app import make
from aoc_common.service.run import run

if __name__ == "__main__":
    sys.exit(run("collector", make))
