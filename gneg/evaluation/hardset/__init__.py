"""Hard evaluation sets."""
