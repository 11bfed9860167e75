"""Runs the whole pipeline against the simulator with faults on, and compares what came out with the truth."""
