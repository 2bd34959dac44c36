"""One file a model, and beside it the Turtle that says what its inputs must be."""
