"""Build and sampling of graphs of 1M to 100M edges: ``python -m benchmarks.scale.run``."""
