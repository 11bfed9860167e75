"""The gateway's own audit trail: who did what, noted before the answer leaves."""
