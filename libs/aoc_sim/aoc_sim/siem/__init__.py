"""Receivers of SIEMs, with faults, and the ground truth of what they took."""
