"""`aoc tenants` and `aoc license`."""
