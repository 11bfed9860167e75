"""The parts that the gateway is made of, each wired in a module of its own."""
