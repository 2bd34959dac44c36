"""The bridge between raw data and the graph: sources become triples, selections lazy arrays."""
