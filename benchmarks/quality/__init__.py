"""Benchmarks of what models learn from negatives."""
