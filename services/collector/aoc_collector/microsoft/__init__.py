"""How Microsoft's APIs are asked, whatever is asked for.

- `families`: the APIs that share a host, a limit and a pace, in one table
- `apis`, `api`: a family as one tenant's app uses it: paced, authorised, retried
- `auth`: access tokens
- `pacing`, `sharing`: staying below the limits, in one process and in several
- `remote`, `errors`: how errors are read, which mean throttling, and of what class they are
- `answers`, `tolerant`, `paging`: answers read, also those that are not quite JSON, and followed page by page
- `origins`: whether a link leads where a token may go
"""
