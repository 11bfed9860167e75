"""What is hidden from a reader: which events, and which values of those that he sees. Pure.

Nothing is filtered after the fact. What a reader may not see is part of the `Scope` by which everything is read:

- Who asks `store.searches.EventSearch` (lists, one event, versions, facets, counts, exports, related events, entities,
  saved searches) gets it for free: hidden services and operations are conditions of the query, hidden values are taken
  out of the answer, and an event that only a hidden value matches is not found (`store.mongo.visible_events`).
- Who has an event at hand that did not come from there (live tail, webhooks) asks `seen`, and sends what that gives.
- Who counts or lists words, names or addresses of a tenant from a collection of its own must not, for a scope that
  hides something: it asks `EventSearch` instead, as `store.hints` does.

- `fields`: which kinds of values can be hidden, and where they stand in records and events
- `redaction`: an event without them
- `seen`: an event as a reader sees it, and what he can find it by
"""
