"""Signed reports of completeness: what they state, the form they have, the keys, and whom to believe. ADR 0020."""
