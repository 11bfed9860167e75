"""Forwards events, alerts and the audit trail to SIEMs."""
