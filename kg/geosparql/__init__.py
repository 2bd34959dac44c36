"""The functions of GeoSPARQL 1.1 (OGC 22-047r1), as Python callables on RDF terms."""
