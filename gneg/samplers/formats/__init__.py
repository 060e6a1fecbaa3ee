"""Negatives as files (:func:`save`, :func:`load`), and in the forms of other libraries."""

from gneg.samplers.formats.store import columns, load, save

__all__ = ["columns", "load", "save"]
