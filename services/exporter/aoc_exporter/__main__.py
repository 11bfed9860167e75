"""Run the exporter: `python -m aoc_exporter`."""

from aoc_common.service.run import main
from aoc_exporter.app import make

if __name__ == "__main__":
    main("exporter", make)
