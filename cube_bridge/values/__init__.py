"""Pixel values in SPARQL.

In go IRIs of variables, geometries and periods, out come RDF terms, computed from the chunks when
they are asked for.
"""
