"""A dataset becomes a cube, a STAC item, a virtual Zarr store or references to chunks."""
