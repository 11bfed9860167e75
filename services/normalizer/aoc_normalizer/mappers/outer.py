"""What an envelope says of its record where that is silent: how it ended, who acted, from where.

Azure Monitor repeats in the envelope what the record says (`resultType`, `resultDescription`, `identity`,
`callerIpAddress`), and for some categories says it there alone. The record itself is always trusted first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aoc_normalizer.draft import Party
from aoc_normalizer.fields import addresses, values
from aoc_normalizer.fields.results import of_word
from aoc_normalizer.mappers.graph import directory, signins
from aoc_normalizer.ocsf_classes import AUTHENTICATION, DETECTION_FINDING

if TYPE_CHECKING:
    from aoc_normalizer.draft import Draft
    from aoc_normalizer.mappers.base import Record

_OUTCOMES: Final = ("resultType", "resultSignature")
#: What Intune says in place of a name: look into the record.
_ELSEWHERE: Final = "See Actor"


def complete(record: Record, draft: Draft) -> None:
    """Fill in from the envelope `record` what the record inside did not say."""
    reason = values.text(record.get("resultDescription"))
    if draft.result == "unknown" and draft.class_uid != DETECTION_FINDING:
        if draft.class_uid == AUTHENTICATION:
            signins.settle(draft, values.text(record.get("resultType")), reason)
        for name in _OUTCOMES:
            if draft.result == "unknown":
                draft.result = of_word(values.text(record.get(name)))
        if draft.result == "failure" and draft.status_detail is None:
            draft.status_detail = reason
    if not draft.actor.known:
        _identity(record.get("identity"), draft)
    draft.address = draft.address or addresses.parse(record.get("callerIpAddress"))


def _identity(identity: Any, draft: Draft) -> None:
    """Who acted: a name, or lists of ids by their kinds (`{"UPN": [{"Identity": ...}], "ApplicationID": [...]}`)."""
    named = values.mapping(identity)
    if isinstance(identity, str) and not named:
        text = values.text(identity)
        directory.named(None if text is None or text.startswith(_ELSEWHERE) else text, draft)
        return
    ids = {
        kind.casefold(): values.first(listed[0], "Identity")
        for kind, listed in ((kind, values.objects(listed)) for kind, listed in named.items())
        if listed
    }
    upn = ids.get("upn")
    draft.actor = Party(upn=upn and upn.lower(), uid=ids.get("objectid"), kind="user")
    if (app := ids.get("applicationid")) is not None and not draft.app.known:
        draft.app = Party(uid=app, kind="application")
