"""What the graph says of any source.

In go a title, a licence, columns and their values, out come quads of its header, its variables and
their statistics.
"""
