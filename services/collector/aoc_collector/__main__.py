"""Run the collector: `python -m aoc_collector`."""

from aoc_collector.app import make
from aoc_common.service.run import main

if __name__ == "__main__":
    main("collector", make)
