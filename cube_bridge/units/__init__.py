"""Spellings of units, and what QUDT calls them."""
