"""The bridge between raw data and the graph: sources go in, quads and lazy arrays come out."""
