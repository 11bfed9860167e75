"""The parts that an alerter is made of, each wired in a module of its own."""
