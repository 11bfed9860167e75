"""The heartbeat of a service: what an instance that runs says of itself, again and again, on AOC_BEATS.

All times in it are ages, in seconds of a clock that never goes back: the message's own time is the server's, so an
instance whose clock is wrong deceives nobody. Who it is of, the subject says, which the server lets each service write
for itself only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aoc_common.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Far more than a beat has: 64 consumers with an error each.
MAX_BEAT_BYTES: Final = 64 * 1024
#: Seconds between two beats, and after which an instance that says nothing has missed four.
EVERY_S: Final = 2.5
SILENT_S: Final = 10.0
_LONGEST: Final = 160
_MOST: Final = 64


class ConsumerWork(BaseModel):
    """What an instance does for one consumer.

    - `held`: messages in work; `held_s`: since something last moved in the batch that has been still for longest.
    - `settled`: messages since the start; `settled_s`: since the last of them.
    - `failing_s`: since the first failure after the last message that was settled; `error`: the last one.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    consumer: str = Field(max_length=64)
    held: int = Field(0, ge=0)
    held_s: float | None = Field(None, ge=0)
    settled: int = Field(0, ge=0)
    settled_s: float | None = Field(None, ge=0)
    failing_s: float | None = Field(None, ge=0)
    error: str = Field("", max_length=_LONGEST)


class Beat(BaseModel):
    """One beat. `running_s`: since the start. `leaving`: the last one of an instance that was told to stop."""

    model_config = ConfigDict(
        frozen=True,
        allow_inf_nan=False,
        json_schema_extra={
            "examples": [
                {
                    "version": "0.1.0",
                    "running_s": 312.4,
                    "work": [{"consumer": "normalizer-3", "held": 2, "held_s": 0.4, "settled": 911, "settled_s": 0.6}],
                }
            ]
        },
    )

    version: str = Field("", max_length=40)
    running_s: float = Field(ge=0)
    leaving: bool = False
    work: tuple[ConsumerWork, ...] = Field((), max_length=_MOST)

    @classmethod
    def of(cls, version: str, running_s: float, work: Sequence[ConsumerWork], *, leaving: bool = False) -> Self:
        """A beat that is small enough, whatever there is to say."""
        return cls(version=version[:40], running_s=running_s, leaving=leaving, work=tuple(work[:_MOST]))

    def message(self) -> bytes:
        """As it is published."""
        return self.model_dump_json(exclude_defaults=True).encode()

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The beat in a message. Raises `Malformed`; what a later version adds is passed over."""
        try:
            return cls.model_validate_json(body)
        except ValidationError as error:
            raise Malformed(f"beat: {error.errors(include_url=False, include_input=False)[0]['msg']}") from None


def brief(error: BaseException) -> str:
    """An error in few words."""
    return " ".join(f"{type(error).__name__}: {error}"[: 2 * _LONGEST].split())[:_LONGEST]
