"""Queries rewritten before the store sees them: entailment, GeoSPARQL, spatial plans."""
