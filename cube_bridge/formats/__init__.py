"""The formats that cubes come in, one module each, and how their bytes are reached."""
