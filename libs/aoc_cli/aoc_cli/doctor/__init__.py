"""`aoc doctor`: checks tenants and servers from outside, and reports what is wrong and how to fix it."""
