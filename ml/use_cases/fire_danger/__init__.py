"""Fire danger: the probability of an active fire in a cell on a day."""
