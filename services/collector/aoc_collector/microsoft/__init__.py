"""The clients of Microsoft's APIs, whatever is read through them.

- `families`: the API families, with host, rate limit, slicing and retention, in one table
- `apis`, `api`: a family as one tenant's app uses it: rate-limited, authorised, retried
- `auth`: access tokens
- `pacing`, `sharing`: rate limits, in one process and shared by several
- `remote`, `errors`: how errors are read, which mean throttling, and of what class they are
- `answers`, `lenient_json`, `paging`: answers decoded, also those that are not strictly JSON, and followed page by page
- `origins`: whether a link leads to where a token may be sent
"""
