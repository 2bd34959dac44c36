"""Solutions of queries, and the formats they are written in."""
