"""Units of measurement.

In goes a spelling such as `kg m-2 s-1`, out come a size, the IRI that QUDT has for it, and factors
from one unit to another.
"""
