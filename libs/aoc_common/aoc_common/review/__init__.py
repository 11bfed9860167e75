"""Decisions about dead letters and quarantined records: the rules, for the command line and for the collector."""
