"""The parts that a collector is made of, each wired in a module of its own."""
