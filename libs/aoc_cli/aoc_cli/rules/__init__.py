"""`aoc rules`: what is looked for in the events, as files and as the gateway has it."""
