"""Microsoft Graph's change notifications: subscriptions that are created, renewed, and brought in order."""
