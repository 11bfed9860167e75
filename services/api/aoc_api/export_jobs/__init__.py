"""Exports in the background: jobs that are taken, made, and put down."""
