"""Quantities that are computed from others: pure functions on arrays, one a module."""
