"""What pages and tables show of the graph, as frozen rows; no use case is named here."""
