"""Destinations: one file each."""
