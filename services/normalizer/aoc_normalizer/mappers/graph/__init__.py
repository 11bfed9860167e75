"""Records as Microsoft Graph lists them, one file a resource."""
