"""How many tenants may be collected: one freely, more with a licence, which is verified without asking anybody.

- `token`: a licence as a signed token; reading, issuing
- `trusted`: the public keys that a licence may be signed with
- `terms`: what an installation may do under its licences, at a moment
"""
