"""Microsoft Graph's change notifications: subscriptions are created, renewed and deleted."""
