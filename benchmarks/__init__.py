"""Benchmarks: one runner each for speed and quality."""
