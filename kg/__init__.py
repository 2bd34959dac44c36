"""The knowledge graph: store, queries, reasoner, validation, provenance."""
