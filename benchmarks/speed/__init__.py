"""Rates of samplers and of their peers."""
