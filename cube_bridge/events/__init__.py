"""Events in time series.

In go a series and a concept that is data in the graph, out come the intervals that fit it.
"""
