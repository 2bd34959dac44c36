"""From one grid to another: which cells, with which weights, by which method."""
