"""A source becomes triples.

In go a location and a mapping, out come blocks of quads in the store, checked first and resumable
after a kill.
"""
