"""Samplers from text."""
