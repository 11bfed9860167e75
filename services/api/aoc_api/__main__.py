"""Run the gateway: `python -m aoc_api`."""

import sys

from aoc_api.app import make
from aoc_common.service.run import run

if __name__ == "__main__":
    sys.exit(run("api", make))
