"""Grids of training runs, their statistics and their report."""
