"""What ticket systems tell, and what they are answered."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from aoc_common.contracts.alert import Status, Verdict
from aoc_common.contracts.subjects import TENANT_PATTERN
from aoc_common.contracts.tickets import LONGEST_TICKET, check_id
from aoc_common.gateway.alerts import NoteText

#: What a ticket system sends.
TICKET_NEWS: Final[dict[str, Any]] = {
    "ticket": {"id": "SEC-4711"},
    "tenant": "contoso",
    "status": "resolved",
    "verdict": "false-positive",
    "comment": "Her own rule.",
}


def _spelled(word: object) -> object:
    """As AOC spells it: `in-progress`, `In Progress` and `in_progress` are one."""
    return word.strip().lower().replace("-", "_").replace(" ", "_") if isinstance(word, str) else word


def _text(identity: object) -> object:
    return str(identity) if isinstance(identity, int) and not isinstance(identity, bool) else identity


class TicketName(BaseModel):
    """A ticket."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [TICKET_NEWS["ticket"]]})

    id: Annotated[
        str, BeforeValidator(_text), StringConstraints(max_length=LONGEST_TICKET), AfterValidator(check_id)
    ] = Field(description="As the ticket system has it.")


class TicketNews(BaseModel):
    """What a ticket system tells of one of its tickets; what is not named stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [TICKET_NEWS]})

    ticket: TicketName
    tenant: Annotated[str, StringConstraints(pattern=TENANT_PATTERN)] | None = Field(
        None, description="Whose alerts; need not be said by a system that one tenant has."
    )
    status: Annotated[Status, BeforeValidator(_spelled)] | None = None
    verdict: Annotated[Verdict, BeforeValidator(_spelled)] | None = None
    comment: NoteText | None = Field(None, description="Is added to what people wrote.")

    @model_validator(mode="after")
    def _says_something(self) -> TicketNews:
        if self.status is None and self.verdict is None and self.comment is None:
            raise ValueError("says neither status, verdict nor comment")
        return self


class TicketChange(BaseModel):
    """What became of it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"tenant": "contoso", "alerts": ["019ab0c4-2f40-8a1b-9c3d-5e7f90a1b2c3"], "changed": 1}]
        }
    )

    tenant: str
    alerts: list[UUID] = Field(description="Alerts that have this ticket.")
    changed: int = Field(description="Those that are others now; 0 for a message that came before.")
