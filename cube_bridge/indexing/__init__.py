"""A source becomes triples: checked first, written block by block, resumable after a kill."""
