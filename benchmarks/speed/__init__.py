"""Benchmarks of speed, beside that of other libraries."""
