"""Benchmarks of quality and speed, and the tables and pictures made from their results."""
