"""The parts that a normalizer is made of, each wired in a module of its own."""
