"""Records that other tools carry inside their own: exports, diagnostics, Log Analytics, advanced hunting."""
