"""How the spatial index follows an update: the store itself says what the update binds.

What `INSERT { ?a geo:asWKT ?w } WHERE { ... }` writes only its evaluation knows. So a call of a
function of ours is planted behind the pattern, `BIND(<...>(?a, ?w) AS ?recorded)`; the store
calls it for each solution, and the update runs otherwise unchanged. Nothing is evaluated twice
and nothing is guessed: what is recorded is what is written, after what earlier operations
wrote, and with the blank nodes and random values that the update made.

To be read in this order: `touched` (nodes, literals and graphs that may differ), `reader` (what
the text of an update says of them, before it runs), `instrumented` (the planted call, which
completes it while the update runs), `following` (the index reads what was touched again from
the store), `write_log` (which properties were written, for what is remembered of queries).
A server elsewhere calls no function of ours: of it `reader.touched_by` asks for the bindings
before the update.
"""
