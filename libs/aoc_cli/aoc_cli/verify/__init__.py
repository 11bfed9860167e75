"""Runs the whole pipeline against the simulator with faults on, and compares the result with the ground truth."""
