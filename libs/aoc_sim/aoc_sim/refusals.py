"""Requests of the sign-in service that are refused, with Entra's numbers (entra-docs, reference-error-codes.md)."""

from __future__ import annotations


class RefusedError(Exception):
    """A token request is refused, with Entra's number."""

    def __init__(self, status: int, error: str, number: int, text: str) -> None:
        super().__init__(text)
        self.status, self.error, self.number, self.text = status, error, number, text
