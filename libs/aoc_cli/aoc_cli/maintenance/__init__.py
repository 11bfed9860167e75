"""`aoc maintenance`: checks what is stored, and brings it in order."""
