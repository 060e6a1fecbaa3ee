"""Samplers on the device of the graph: torch operations that draw what the kernels draw."""
