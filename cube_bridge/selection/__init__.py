"""The graph becomes arrays.

In go variables, a region and a period, out comes one lazy dataset on one grid.
"""
