"""How often somebody may ask: by address before he is known, by principal after."""
