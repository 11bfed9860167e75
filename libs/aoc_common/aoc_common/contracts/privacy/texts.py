"""What people write of an event, as somebody sees it from whom some of its values are hidden."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from aoc_common.contracts.privacy.private_values import MARK
from aoc_common.contracts.privacy.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from aoc_common.contracts.event import StoredEvent

#: No record has a field of this name.
_BESIDE: Final = "\0written"


def redacted_texts(event: StoredEvent, texts: Sequence[str], fields: AbstractSet[str]) -> list[str]:
    """Texts about an event, in which these kinds of its values are blanked. It needs the event whole."""
    shown = redacted(replace(event, unmapped={**event.unmapped, _BESIDE: list(texts)}), fields)
    found = shown.unmapped.get(_BESIDE)
    return [str(text) for text in found] if isinstance(found, list) else [MARK] * len(texts)
