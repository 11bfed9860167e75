"""Run the normalizer: `python -m aoc_normalizer`."""

import sys

from aoc_common.health import main
from aoc_normalizer.app import make

if __name__ == "__main__":
    sys.exit(main("normalizer", make))
