"""From one grid to another.

In go values on the cells of one grid, out come values on those of the other, lazily, by weights
and a method.
"""
