"""A cube in the graph.

In goes an opened dataset, out come quads on its axes and chunks, and the chunks that meet a region
and a period.
"""
