"""Text to text: the tree of a query, and what it is rewritten to; no row of the index is read."""
