"""Why a token is refused."""

from __future__ import annotations

from typing import Literal

type Refusal = Literal["invalid-token", "insufficient-scope", "forbidden"]


class RefusedToken(Exception):  # noqa: N818  # what happened to the token
    """A token that opens nothing here. `reason`: a word for the log.

    `advice`: for the client. It says more than that only about a token whose signature is Entra's.
    """

    def __init__(
        self,
        reason: str,
        advice: str = "The access token is not valid here. Sign in again for a new one.",
        refusal: Refusal = "invalid-token",
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
        self.refusal = refusal
