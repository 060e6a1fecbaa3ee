"""Samplers from text: the grammar, and what builds them."""
