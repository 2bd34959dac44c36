"""A cube in the graph: its axes, its chunks, what is said of them, and the search for them."""
