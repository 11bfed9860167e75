"""Run the normalizer: `python -m aoc_normalizer`."""

from aoc_common.service.run import main
from aoc_normalizer.app import make

if __name__ == "__main__":
    main("normalizer", make)
