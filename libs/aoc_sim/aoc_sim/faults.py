"""Injected faults: settings, named profiles, and the dice."""

# ruff: noqa: S311 - randomness must be reproducible here, not secret

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Kind = Literal[
    "late",
    "resend",
    "http_429",
    "http_429_no_retry_after",
    "http_403_af429",
    "http_403_license",
    "http_5xx",
    "slow",
    "empty_page",
    "broken_skiptoken",
    "expired_deltatoken",
    "sparse_delta",
    "expired_blob",
    "next_page_loop",
    "next_link_loop",
    "reset",
    "truncated_gzip",
    "proxy_page",
    "retry_after_lie",
    "bom",
    "odd_link",
    "dead_link",
]


class Faults(BaseModel):
    """Rates are probabilities; 0 is off.

    Of a request, unless they say of what; late: of a record, resend: of a blob or page.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    late_rate: float = Field(default=0, ge=0, le=1, description="Records that become available late.")
    late_event_age_s: float = Field(default=600, gt=0, description="Only history younger than this can be late.")
    late_min_s: float = Field(default=3, ge=0, description="Least delay after start (live: after the event).")
    late_max_s: float = Field(default=20, ge=0, description="Greatest such delay.")
    resend_rate: float = Field(default=0, ge=0, le=1, description="Blobs listed again, Graph pages that overlap.")
    http_429_rate: float = Field(default=0, ge=0, le=1, description="429 with Retry-After.")
    http_429_no_retry_after_rate: float = Field(default=0, ge=0, le=1, description="429 without Retry-After.")
    http_403_af429_rate: float = Field(default=0, ge=0, le=1, description="Management API: 403 that means 429.")
    http_403_license_rate: float = Field(default=0, ge=0, le=1, description="Sign-ins: spurious 'not premium' 403.")
    http_5xx_rate: float = Field(default=0, ge=0, le=1, description="500, 502, 503 or 504.")
    slow_rate: float = Field(default=0, ge=0, le=1, description="Answers that are held back.")
    slow_s: float = Field(default=1.0, ge=0, description="For how long, in seconds.")
    empty_page_rate: float = Field(default=0, ge=0, le=1, description="Empty pages that still have a next link.")
    broken_skiptoken_rate: float = Field(default=0, ge=0, le=1, description="Good skip tokens refused with 400.")
    expired_deltatoken_rate: float = Field(default=0, ge=0, le=1, description="Good delta tokens refused with 410.")
    sparse_delta_rate: float = Field(default=0, ge=0, le=1, description="Changes that hold only what changed.")
    expired_blob_rate: float = Field(
        default=0, ge=0, le=1, description="Blobs that are listed and gone before they were ever served."
    )
    next_page_loop_rate: float = Field(default=0, ge=0, le=1, description="NextPageUri that leads to its own page.")
    next_link_loop_rate: float = Field(default=0, ge=0, le=1, description="Graph: next links to their own page.")
    reset_rate: float = Field(default=0, ge=0, le=1, description="Connections that end in the middle of a body.")
    truncated_gzip_rate: float = Field(default=0, ge=0, le=1, description="Compressed bodies that are cut off.")
    proxy_page_rate: float = Field(default=0, ge=0, le=1, description="A proxy's HTML page with status 200 instead.")
    change_rate: float = Field(
        default=0,
        ge=0,
        le=1,
        description="Sign-ins (younger than `again_age_s`), alerts and risks that change once served.",
    )
    change_after_s: float = Field(default=4, gt=0, description="How long each state of such a record lasts at least.")
    recase_rate: float = Field(
        default=0, ge=0, le=1, description="Records whose id is in the other case from the second serving on."
    )
    respell_rate: float = Field(
        default=0, ge=0, le=1, description="Records whose time is spelt otherwise from the second serving on."
    )
    again_age_s: float = Field(default=3000, gt=0, description="Only history younger than this changes.")
    other_operation_rate: float = Field(
        default=0, ge=0, le=1, description="Unified records that another one shares id and time with, not operation."
    )
    shared_id_rate: float = Field(
        default=0,
        ge=0,
        le=1,
        description="Unified records that share id, time and operation with one of another tenant; as many share "
        "time and operation with one of their own.",
    )
    huge_rate: float = Field(default=0, ge=0, le=1, description="Records of the history that weigh 0.9 to 1.5 MB.")
    huge_most: int = Field(default=8, ge=0, description="How many such records there are at most.")
    retry_after_lie_rate: float = Field(
        default=0, ge=0, le=1, description="429 or 503 whose Retry-After is absurd: 31 years, 0, negative, no number."
    )
    bom_rate: float = Field(default=0, ge=0, le=1, description="Blobs that always come with a BOM before them.")
    odd_link_rate: float = Field(
        default=0, ge=0, le=1, description="Blobs whose contentUri spells the same address otherwise, e.g. the host."
    )
    dead_link_rate: float = Field(
        default=0, ge=0, le=1, description="Blobs whose contentUri is no address at all: they may never be fetched."
    )
    outage: bool = Field(default=False, description="Every API and the token endpoint answer 503, without end.")
    resend_after_s: float = Field(default=0, ge=0, description="How long blobs wait at least to be listed again.")
    retry_after_s: int = Field(default=1, ge=0, description="What Retry-After says in injected 429 answers.")
    max_per_kind: int = Field(default=200, ge=0, description="Injections of a kind after which it stops.")


PROFILES: dict[str, Faults] = {
    "none": Faults(),
    "verify": Faults(
        late_rate=0.5,
        late_max_s=12,
        resend_rate=0.15,
        http_429_rate=0.04,
        http_429_no_retry_after_rate=0.03,
        http_403_af429_rate=0.04,
        http_403_license_rate=0.02,
        http_5xx_rate=0.05,
        slow_rate=0.02,
        slow_s=0.5,
        empty_page_rate=0.08,
        broken_skiptoken_rate=0.05,
        expired_deltatoken_rate=0.05,
        sparse_delta_rate=0.5,
        expired_blob_rate=0.05,
        shared_id_rate=0.03,
        # Many are young enough, and a poll that looks back for them costs little.
        again_age_s=1200,
        max_per_kind=12,
    ),
}
#: The same in little, and soon over.
PROFILES["quick"] = PROFILES["verify"].model_copy(
    update={
        "late_min_s": 1,
        "late_max_s": 4,
        "late_event_age_s": 3600,
        "slow_s": 0.1,
        "max_per_kind": 5,
        "change_after_s": 1,
        "shared_id_rate": 0.3,
        "again_age_s": 3000,
    }
)
#: Everything that a run with kills and pauses is to survive as well.
PROFILES["chaos"] = PROFILES["verify"].model_copy(
    update={
        "expired_blob_rate": 0.05,
        "next_page_loop_rate": 0.05,
        "next_link_loop_rate": 0.05,
        "reset_rate": 0.04,
        "truncated_gzip_rate": 0.03,
        "proxy_page_rate": 0.03,
        "again_age_s": 3000,
    }
)

#: Faults that can be switched on one by one, beside any profile.
EXTRAS: Final[dict[str, dict[str, Any]]] = {
    "changes": {"change_rate": 0.5},
    "case": {"recase_rate": 0.5},
    "spelling": {"respell_rate": 0.5},
    "operations": {"other_operation_rate": 0.05},
    "payload": {"huge_rate": 0.01},
    "retry": {"retry_after_lie_rate": 0.06},
    "links": {"odd_link_rate": 0.15, "dead_link_rate": 0.03},
    "bom": {"bom_rate": 0.1},
}


def with_extras(faults: Faults, names: Iterable[str]) -> Faults:
    """Those faults and these of `EXTRAS`."""
    more: dict[str, Any] = {}
    for name in names:
        more |= EXTRAS[name]
    return faults.model_copy(update=more)


class FaultDice:
    """Decides, from a seed, whether a fault strikes now, and counts those that did.

    The same sequence of requests meets the same faults. A kind stops after `max_per_kind`
    injections, so that a client that retries always gets through in the end.
    """

    def __init__(self, settings: Faults, seed: int) -> None:
        self._rng = Random(f"faults:{seed}")
        self.settings = settings
        self.injected: Counter[str] = Counter()
        self._spent_before: Counter[str] = Counter()

    def replace(self, settings: Faults) -> None:
        """Use other rates from now on; the allowance of each kind is reset, the totals stay."""
        self.settings = settings
        self._spent_before = Counter(self.injected)

    def strikes(self, kind: Kind) -> bool:
        """Whether a fault of this kind happens now."""
        rate: float = getattr(self.settings, f"{kind}_rate")
        if rate <= 0:
            return False
        if self.injected[kind] - self._spent_before[kind] >= self.settings.max_per_kind:
            return False
        if self._rng.random() >= rate:
            return False
        self.injected[kind] += 1
        return True

    def pick(self, low: float, high: float) -> float:
        """A number in that range, from the same dice."""
        return self._rng.uniform(low, high)

    def choose[T](self, options: Sequence[T]) -> T:
        """One of the options, from the same dice."""
        return self._rng.choice(options)
