"""The aoc command."""
