"""Drought one month ahead: the Palmer drought severity index of regions."""
