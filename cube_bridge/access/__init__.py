"""Bytes at a location: in goes a path or URL, out come objects, ranges of bytes and versions."""
