"""Where the cells of a cube lie on the Earth.

In goes a dataset, out comes a `Grid` (grid.py, made by reading.py) that turns windows of cells
into polygons, and places into windows.
"""
