"""What holds where a user says nothing: constants that cost nothing to import."""

#: Seconds that a chunk may take to be read.
PATIENCE_S = 120.0
#: Times of a selection: each variable keeps its own, see `cube_bridge.selection.times`.
AS_IS = "as-is"
