"""The `rules` collection. `_id` is the rule's id."""

from __future__ import annotations

import json
from itertools import batched
from typing import TYPE_CHECKING, Any

from aoc_common.store.mongo.client import BATCH_SIZE, Database, translated
from aoc_common.store.mongo.compare_and_set import compare_and_set
from aoc_common.store.rules import RuleChange, RuleException, StoredRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aoc_common.store.mongo.client import Document


class MongoRules:
    """`RuleStore` over `rules`."""

    def __init__(self, database: Database) -> None:
        self._rules = database["rules"]

    async def marks(self) -> dict[str, str]:
        """Id -> mark, of all."""
        with translated("rules"):
            return {one["_id"]: one["writer"] async for one in self._rules.find({}, {"writer": 1})}

    async def of(self, ids: Sequence[str]) -> Sequence[StoredRule]:
        """Those of these rules that are there."""
        found: list[StoredRule] = []
        with translated("rules"):
            for some in batched(ids, BATCH_SIZE):
                found += [_rule(one) async for one in self._rules.find({"_id": {"$in": list(some)}})]
        return found

    async def write(self, rule: StoredRule) -> bool:
        """Store it with the next revision if the stored one still has its own; whether it had."""
        query = {"_id": rule.id, "revision": rule.revision}
        with translated("rules"):
            return bool(await compare_and_set(self._rules, [(query, {"$set": _document(rule)})], "revision"))

    async def remove(self, rule_id: str) -> bool:
        """Remove it; False where there is none."""
        with translated("rules"):
            return bool((await self._rules.delete_one({"_id": rule_id})).deleted_count)


def _document(rule: StoredRule) -> Document:
    return {
        "text": rule.text,
        "enabled": rule.enabled,
        "severity": rule.severity,
        # As text: what people write there is not looked into by the server.
        "attributes": json.dumps(rule.attributes),
        "exceptions": [
            {
                "id": one.id,
                "text": one.text,
                "author": one.author,
                "reason": one.reason,
                "made_at": one.made_at,
                "until": one.until,
                "tenants": sorted(one.tenants),
            }
            for one in rule.exceptions
        ],
        "author": rule.author,
        "changed_at": rule.changed_at,
        "history": [
            {"revision": one.revision, "at": one.at, "author": one.author, "what": one.what, "tenant": one.tenant}
            for one in rule.history
        ],
    }


def _rule(document: Mapping[str, Any]) -> StoredRule:
    exceptions = tuple(RuleException(**{**one, "tenants": frozenset(one["tenants"])}) for one in document["exceptions"])
    return StoredRule(
        document["_id"],
        document["text"],
        document["enabled"],
        document["severity"],
        exceptions,
        json.loads(document.get("attributes", "{}")),
        document["author"],
        document["changed_at"],
        document["revision"],
        tuple(RuleChange(**one) for one in document.get("history", ())),
        document["writer"],
    )
