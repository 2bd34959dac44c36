"""Whether quads, or all that a store holds, conform to SHACL shapes: ours and a use case's own."""
