"""Run the collector: `python -m aoc_collector`."""

import sys

from aoc_collector.app import make
from aoc_common.health import main

if __name__ == "__main__":
    sys.exit(main("collector", make))
