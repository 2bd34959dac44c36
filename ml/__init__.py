"""Models: input plans, training, prediction, evaluation, and the way back into the graph."""
