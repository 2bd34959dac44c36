"""Runs are requested in the graph, claimed by a worker, executed and written back."""
