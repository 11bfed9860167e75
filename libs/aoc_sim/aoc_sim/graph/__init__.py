"""Microsoft Graph: the audit and security collections."""
