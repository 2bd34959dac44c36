"""What a run found, as triples: through the SHACL gate, place by place."""
