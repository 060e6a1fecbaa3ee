"""Where datasets come from, one module a source."""
