"""Bytes become lazy datasets.

In goes a location, out comes an xarray.Dataset whose values are not read yet. One module a format.
"""
