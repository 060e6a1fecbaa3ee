"""Samplers that change while a model trains: caches, schedules, adversaries."""
