"""SERVICE clauses of extensions: found, asked once for all rows, put back as tables."""
