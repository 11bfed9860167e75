"""Mutations of what is stored, published, accounted for and found."""

from __future__ import annotations

from typing import Final

from mutation import Mutation  # type: ignore[import-not-found]  # beside this file

WRITING: Final = (
    Mutation(
        "drop-stored",
        "one event of every batch counts as stored and is not",
        "aoc_common.store.mongo.events",
        "            await self._events.insert_many(chunk, ordered=False)\n",
        "            await self._events.insert_many(chunk[1:] or chunk, ordered=False)\n",
    ),
    Mutation(
        "skip-publish",
        "one event of every batch is stored and not published",
        "aoc_normalizer.write.writer",
        "        for row in batch.mine():\n            event, mapped = row.event",
        "        for row in batch.mine()[1:]:\n            event, mapped = row.event",
    ),
    Mutation(
        "repeat-publish",
        "every event is published twice",
        "aoc_normalizer.write.writer",
        "row.origin].append(fit(message, limit))\n",
        "row.origin] += [fit(message, limit), Outgoing(message.subject, message.body, "
        '{**message.headers, "Nats-Msg-Id": message.headers["Nats-Msg-Id"] + ":again"})]\n',
    ),
    Mutation(
        "mis-address-tenant",
        "one tenant's events are published on another's subject",
        "aoc_common.contracts.event_message",
        "        return subjects.events(self.tenant, self.source, self.class_uid)\n",
        '        return subjects.events("contoso", self.source, self.class_uid)\n',
    ),
    Mutation(
        "mis-address-class",
        "events are published on the subject of another class",
        "aoc_common.contracts.event_message",
        "        return subjects.events(self.tenant, self.source, self.class_uid)\n",
        "        return subjects.events(self.tenant, self.source, 6003)\n",
    ),
    Mutation(
        "header-of-another-tenant",
        "the headers name another tenant than the subject",
        "aoc_common.contracts.event_message",
        '            "Aoc-Tenant": self.tenant,\n',
        '            "Aoc-Tenant": "contoso",\n',
    ),
    Mutation(
        "body-of-another",
        "every published body is that of the first event of its page",
        "aoc_normalizer.write.writer",
        "    return Outgoing(message.subject, message.body, ",
        "    return Outgoing(message.subject, page.events[0].body, ",
    ),
    Mutation(
        "version-unnumbered",
        "a later version says that it is the first",
        "aoc_common.contracts.event_message",
        "            VERSION_HEADER: str(self.version),\n",
        '            VERSION_HEADER: "1",\n',
    ),
    Mutation(
        "put-aside-nowhere",
        "what became no event is kept nowhere",
        "aoc_normalizer.write.writer",
        "        if entries:\n",
        "        if False:\n",
    ),
    Mutation(
        "changes-forgotten",
        "a record that has changed counts as known",
        "aoc_normalizer.write.comparison",
        "        if not alike or mine.incomplete or any(state.repairs(mine) for state in alike.values()):\n",
        "        if True:\n",
    ),
    Mutation(
        "change-not-shown",
        "an event shows its first state for ever",
        "aoc_normalizer.write.comparison",
        "        newest = max(ranks, key=ranks.__getitem__)\n",
        "        newest = min(ranks)\n",
    ),
    Mutation(
        "expires-at-once",
        "events expire as soon as they are stored",
        "aoc_common.store.mongo.events",
        '        "expire_at": stored_at + retention,\n',
        '        "expire_at": stored_at,\n',
    ),
    Mutation(
        "retention-of-nobody",
        "a tenant's retention is not heeded",
        "aoc_normalizer.settings",
        "self.by_tenant.get(tenant, self.days))",
        "self.days)",
    ),
    Mutation(
        "content-outlives-retention",
        "content is kept for as long as its id is",
        "aoc_common.store.mongo.events",
        '            document["forget_at"] = now + retention\n',
        "            pass\n",
    ),
)
ACCOUNTING: Final = (
    Mutation(
        "complete-until-now",
        "every source is complete until this moment",
        "aoc_common.store.mongo.account",
        "        complete_until=complete_until,\n",
        "        complete_until=state.watermark and __import__('datetime').datetime.now(state.watermark.tzinfo),\n",
    ),
    Mutation(
        "complete-while-unsettled",
        "what is fetched counts as complete before it is stored",
        "aoc_common.store.mongo.unsettled",
        "        if oldest is None:\n            return state.watermark\n",
        "        if True:\n            return state.watermark\n",
    ),
    Mutation(
        "complete-without-content",
        "content that another slice has fetched counts as complete before it is stored",
        "aoc_common.store.mongo.unsettled",
        "        return until if until is None else min([until, *begins])\n",
        "        return until\n",
    ),
    Mutation(
        "gaps-never-shown",
        "no gap is ever shown",
        "aoc_common.store.mongo.account",
        "            *lost,\n            *_of_blobs(blobs),\n",
        "            *lost,\n",
    ),
    Mutation(
        "over-claim",
        "duplicates count as stored",
        "aoc_normalizer.write.writer",
        "                    stored=stored[page],\n",
        "                    stored=len(page.mapped.events),\n",
    ),
    Mutation(
        "forget-page",
        "a page counts as stored that gave nothing, where it gave something",
        "aoc_normalizer.write.writer",
        "                    stored=stored[page],\n",
        "                    stored=0,\n",
    ),
    Mutation(
        "settled-in-work",
        "a slice is settled while a page of it is in work",
        "aoc_common.store.mongo.account",
        "            idle = [key for key in slices if key not in waiting]\n",
        "            idle = [*slices]\n",
    ),
    Mutation(
        "changes-uncounted",
        "the account does not count what has changed",
        "aoc_normalizer.write.writer",
        "                    changed=changed[page],\n",
        "                    changed=0,\n",
    ),
    Mutation(
        "oldest-for-newest",
        "the newest record of a source is its oldest",
        "aoc_common.store.mongo.arrivals",
        '            "$max": {"newest": arrivals.newest},\n',
        '            "$min": {"newest": arrivals.newest},\n',
    ),
    Mutation(
        "blobs-counted-twice",
        "blobs that were fetched count twice",
        "aoc_common.store.mongo.account",
        '        blobs_fetched=int(sums.get("blobs", 0)),\n',
        '        blobs_fetched=2 * int(sums.get("blobs", 0)),\n',
    ),
)
SEARCHING: Final = (
    Mutation(
        "search-of-all-tenants",
        "a search finds what other tenants have",
        "aoc_common.store.mongo.access_paths",
        '        every = _Candidate(NEWEST, ({"tenant": self._tenant},), frozenset())\n',
        '        every = _Candidate(NEWEST, ({"tenant": {"$gte": ""}},), frozenset())\n',
    ),
    Mutation(
        "get-of-all-tenants",
        "an event can be read by its id in another tenant",
        "aoc_common.store.mongo.event_search",
        '            selected: Document = {"tenant": scope.tenant, "_id": event_id}\n',
        '            selected: Document = {"_id": event_id}\n',
    ),
    Mutation(
        "hidden-services-found",
        "what is hidden from a reader as a whole is counted for him",
        "aoc_common.store.mongo.access_paths",
        "    return (*query.where, *values.not_hidden(query.scope.hidden))\n",
        "    return query.where\n",
    ),
    Mutation(
        "found-by-hidden-values",
        "an event is found by values that are hidden in it",
        "aoc_common.store.mongo.visible_events",
        "        if shown is not None and _is_found(shown, unknown, document):\n",
        "        if shown is not None:\n",
    ),
    Mutation(
        "search-any-term",
        "a search finds what has one of the words",
        "aoc_common.store.mongo.access_paths",
        "        left = [condition for position, condition in enumerate(self._conditions) if position not in"
        " covered]\n",
        "        left = [condition for condition in self._conditions if not covered]\n",
    ),
)
