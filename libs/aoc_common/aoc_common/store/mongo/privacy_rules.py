"""The `privacy` collection: a tenant's privacy rules, by its name."""

from __future__ import annotations

from aoc_common.contracts.subjects import check_tenant
from aoc_common.store.mongo.client import Database, translated
from aoc_common.tenants.privacy import PrivacyRule


class MongoPrivacyRules:
    """`PrivacyRuleStore` over `privacy`."""

    def __init__(self, database: Database) -> None:
        self._rules = database["privacy"]

    async def remember(self, tenant: str, rules: tuple[PrivacyRule, ...]) -> None:
        """These are its rules from now on; none are none."""
        ours = {"_id": check_tenant(tenant)}
        with translated("privacy"):
            if rules:
                written = [rule.model_dump(mode="json") for rule in rules]
                await self._rules.update_one(ours, {"$set": {"rules": written}}, upsert=True)
            else:
                await self._rules.delete_one(ours)

    async def remembered(self, tenant: str) -> tuple[PrivacyRule, ...]:
        """Its rules; none for a tenant that never had any."""
        with translated("privacy"):
            document = await self._rules.find_one({"_id": check_tenant(tenant)})
        return tuple(PrivacyRule.model_validate(rule) for rule in (document or {}).get("rules", ()))
