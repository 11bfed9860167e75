"""The language of the bus: what a message is called and what is in it. No I/O."""
