"""Run the gateway: `python -m aoc_api`."""

from aoc_api.app import make
from aoc_common.service.run import main

if __name__ == "__main__":
    main("api", make)
