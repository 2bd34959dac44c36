"""A cube in the graph: what its mapping says, and the IRIs of its chunks and tiles."""
