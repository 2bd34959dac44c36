"""A dataset becomes a cube, a STAC item, a virtual store or references to chunks."""
