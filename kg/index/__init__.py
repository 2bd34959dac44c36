"""Geometries and properties of a store as arrays: no store, no text of a query.

`spatial_index` is the door. Behind it lie rows with geometries (`geometry_rows`, searched by
`boxes`), links of features (`feature_links`), and what other properties say (`property_tables`,
each a `pairs_table`); nodes are numbers of a `term_table`. `row_matching` and `pair_matching`
say which rows and which pairs of rows satisfy one of the `spatial_tests`.
"""
