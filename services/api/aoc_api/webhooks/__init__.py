"""Notifications from Microsoft: accepted only with proof of their origin, and then only as a request to poll."""
