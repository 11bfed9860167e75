"""What the gateway is asked and what it answers: the models that it shares with who uses it (`aoc_common.client`)."""
