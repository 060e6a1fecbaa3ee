"""Selectors: which candidates of a pool become negatives."""
