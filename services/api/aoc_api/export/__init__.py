"""Exports: all events of a search, as a file."""
