"""Sessions of browsers: cookies, protection against forged requests, and how they begin and end."""
