"""Negatives as files, and in the forms of other libraries."""
