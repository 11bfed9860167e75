"""Signed reports of completeness: their statement, form, keys, and which keys are trusted. ADR 0020."""
