"""Run the normalizer: `python -m aoc_normalizer`."""

import sys

from aoc_common.service.run import run
from aoc_normalizer.app import make

if __name__ == "__main__":
    sys.exit(run("normalizer", make))
