"""`aoc doctor`: looks at tenants and servers from outside and says what is wrong, and what to do about it."""
