"""Notifications from Microsoft: believed only when they prove whose they are, and then no more than "look now"."""
