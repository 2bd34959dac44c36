"""Terms, IRIs, times, geometries and documents of RDF: no store, no query."""
