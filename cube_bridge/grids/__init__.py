"""Where the cells of a cube lie on the Earth."""

from cube_bridge.grids.grid import Grid, Window
from cube_bridge.grids.reading import grid_of

__all__ = ["Grid", "Window", "grid_of"]
