"""Run the alerter: `python -m aoc_alerter`."""

from aoc_alerter.app import make
from aoc_common.service.run import main

if __name__ == "__main__":
    main("alerter", make)
