"""Run the command line: `python -m aoc_cli`."""

from aoc_cli.main import main

if __name__ == "__main__":
    main()
