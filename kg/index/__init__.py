"""Geometries and properties of a store as arrays: no store, no text of a query."""
