"""Pixel values of cubes: computed when they are asked for, chunk by chunk."""
