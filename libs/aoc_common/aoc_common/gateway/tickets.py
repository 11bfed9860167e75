"""Tickets of alerts as they are asked for and answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from aoc_common.contracts.tickets import LONGEST_TICKET, LONGEST_TICKET_URL, SYSTEM_PATTERN, check_id, check_url

if TYPE_CHECKING:
    from aoc_common.contracts.tickets import Ticket

TICKET: Final[dict[str, Any]] = {
    "id": "SEC-4711",
    "url": "https://tickets.example/SEC-4711",
    "system": "tickets",
}


class TicketView(BaseModel):
    """What stands for an alert in somebody else's system. Nothing of it is verified."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [TICKET]})

    id: Annotated[str, StringConstraints(max_length=LONGEST_TICKET), AfterValidator(check_id)] = Field(
        description="As the other system has it."
    )
    url: Annotated[str, StringConstraints(max_length=LONGEST_TICKET_URL), AfterValidator(check_url)] | None = Field(
        None, description="Where people see it: http or https."
    )
    system: Annotated[str, StringConstraints(pattern=SYSTEM_PATTERN)] | None = Field(
        None, description="The system that may change the alert by this ticket; null: any that the tenant has."
    )

    @classmethod
    def of(cls, ticket: Ticket) -> TicketView:
        """As it is answered."""
        return cls.model_construct(id=ticket.id, url=ticket.url, system=ticket.system)
