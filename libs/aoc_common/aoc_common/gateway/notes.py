"""Tags and comments as they are sent and answered."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from aoc_common.contracts import notes
from aoc_common.contracts.notes import LONGEST_COMMENT, LONGEST_TAG, MOST_COMMENTS, MOST_TAGS
from aoc_common.contracts.printable import CONTROL
from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from aoc_common.contracts.notes import Comment

_COMMENT: dict[str, Any] = {
    "id": "0b1c5e0f7a4d4c4c9c1c5d1f7e6a3b21",
    "author": "directory/dana",
    "name": "Dana Reyes",
    "at": "2026-11-23T08:00:00Z",
    "edited_at": "2026-11-23T08:05:00Z",
    "text": "Travels; asked her by phone.",
}


def _check_tag(text: str) -> str:
    try:
        return notes.tag(text)
    except Malformed as error:
        raise ValueError(str(error)) from None


def check_plain(text: str) -> str:
    """The text, with one kind of line ends. Raises `ValueError` for characters that nobody sees."""
    plain = text.replace("\r\n", "\n")
    if CONTROL.search(plain.replace("\n", "")):
        raise ValueError("is no plain text: it has characters that nobody sees")
    return plain


Tag = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TAG), AfterValidator(_check_tag)]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS)]


class TagList(BaseModel):
    """Tags of an event."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"tags": ["case-4711", "phishing"]}]})

    tags: Tags = Field(description="In lower case: letters from a to z, digits, and . _ : / - behind the first.")


class CommentText(BaseModel):
    """What somebody writes."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"text": _COMMENT["text"]}]})

    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_COMMENT),
        AfterValidator(check_plain),
    ] = Field(description="Plain text.")


class CommentView(BaseModel):
    """A comment."""

    model_config = ConfigDict(json_schema_extra={"examples": [_COMMENT]})

    id: str = Field(description="Its id.")
    author: str = Field(description="Id of who wrote it.")
    name: str = Field(description="What people call the author.")
    at: datetime = Field(description="When it was written, UTC.")
    edited_at: datetime | None = Field(description="When its author changed it last; null: never.")
    text: str = Field(description="Plain text. What is hidden from you of the event is hidden in it, too.")

    @classmethod
    def of(cls, comment: Comment, text: str | None = None) -> CommentView:
        """As it is answered; `text`: what of it may be seen."""
        return cls(
            id=comment.id,
            author=comment.author,
            name=comment.name,
            at=comment.at,
            edited_at=comment.edited_at,
            text=comment.text if text is None else text,
        )


class CommentList(BaseModel):
    """The comments on an event, the first one first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_COMMENT]}]})

    items: list[CommentView] = Field(max_length=MOST_COMMENTS, description="All of them.")


class BulkTags(BaseModel):
    """What becomes of the tags of all events of a search."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"add": ["case-4711"], "remove": []}]})

    add: Tags = Field(default_factory=list, description="Tags to add.")
    remove: Tags = Field(default_factory=list, description="Tags to remove.")
    token: Annotated[str, StringConstraints(max_length=300)] | None = Field(
        None, description="Of the answer with the count. Without it nothing changes, and the events are counted."
    )

    @model_validator(mode="after")
    def _says_something(self) -> BulkTags:
        if not self.add and not self.remove:
            raise ValueError("names no tag to add or to remove")
        if both := sorted(set(self.add) & set(self.remove)):
            raise ValueError(f"{both[0]} is to be added and removed")
        return self


class BulkTagged(BaseModel):
    """How many events are meant, and what became of them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"count": 120, "token": "WzEyMCwi", "changed": 0, "full": []}]}
    )

    count: int = Field(description="Events that match.")
    token: str | None = Field(description="Send the same request with it, within ten minutes, and they are changed.")
    changed: int | None = Field(description="Events whose tags are others now; null: they were only counted.")
    full: list[str] = Field(description="Ids of events that have as many tags as they may: nothing was added there.")
