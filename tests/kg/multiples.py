"""An extension for tests: multiples of a number, a service that fails, two functions."""

import math

from pyoxigraph import BlankNode, Literal, NamedNode

from ontology.terms import DEEP, DEEPF, PREFIXES

EX = "http://example.org/"
PROLOGUE = "".join(f"PREFIX {p}: <{PREFIXES[p]}>\n" for p in ("deep", "deepf", "geo", "geof")) + (
    f"PREFIX ex: <{EX}> PREFIX rdfs: <{PREFIXES['rdfs']}>\n"
)
DATA = """
 ex:a ex:n 2 ; ex:label "a" . ex:b ex:n 3 . ex:c ex:n 2 ; ex:start 5 . ex:d ex:label "d" .
 ex:a ex:shape "POINT(1 1)"^^geo:wktLiteral . ex:b ex:shape "POINT(9 9)"^^geo:wktLiteral .
"""
CLAUSE = "SERVICE deep:multiples { [] deep:of ?n ; deep:product ?p }"


def deep(name):
    return NamedNode(DEEP.namespace + name)


OF, START = deep("of"), deep("start")
FACTOR, PRODUCT, NODE = deep("factor"), deep("product"), deep("node")


def multiples(number, start):
    """Return three factors with their products; fewer of an odd number."""
    factors = range(start, start + 3 - number % 2)
    return [{FACTOR: Literal(f), PRODUCT: Literal(f * number)} for f in factors]


class Multiples:
    """Finds some multiples of a number."""

    iri = deep("multiples")
    inputs = {OF: True, START: False}  # noqa: RUF012 -- a plain example of a service
    outputs = frozenset({FACTOR, PRODUCT, NODE})

    def __init__(self):
        self.calls = []

    def evaluate(self, _store, requests, wanted, bounds):
        self.calls.append((requests, wanted, bounds))
        low, high = bounds.get(PRODUCT, (-math.inf, math.inf))
        for place, request in enumerate(requests):
            start = int(request[START].value) if START in request else 1
            for found in multiples(int(request[OF].value), start):
                product = found[PRODUCT]
                if low <= int(product.value) <= high:
                    node = {NODE: BlankNode(f"m{product.value}")} if NODE in wanted else {}
                    yield place, found | node


class Failing:
    """Fails when it is asked."""

    iri = deep("failing")
    inputs = {OF: False}  # noqa: RUF012 -- a plain example of a service
    outputs = frozenset({PRODUCT})

    def evaluate(self, *_):
        raise OSError("the cube is gone")


class Labels:
    """Looks the labels of things up in the store: `deep:of` is the thing, found is `deep:node`."""

    iri = deep("labels")
    inputs = {OF: True}  # noqa: RUF012 -- a plain example of a service
    outputs = frozenset({NODE})

    def evaluate(self, store, requests, _wanted, _bounds):
        for place, request in enumerate(requests):
            for quad in store.quads(request[OF], NamedNode("http://example.org/label")):
                yield place, {NODE: quad.object}


class Extension:
    """All of it."""

    def __init__(self):
        self.multiples = Multiples()

    def services(self):
        return [self.multiples, Failing(), Labels()]

    def functions(self, store):
        def double(number):
            return Literal(2 * int(number.value))

        def count(thing):
            result = store.query(f"SELECT (COUNT(*) AS ?n) {{ {thing} ?p ?o }}")
            return next(result)["n"]

        return {
            NamedNode(f"{DEEPF.namespace}double"): double,
            NamedNode(f"{DEEPF.namespace}count"): count,
        }


def plain(term):
    return "-" if term is None else getattr(term, "value", str(term)).removeprefix(EX)


def answers(store, sparql, **options):
    return sorted(
        " ".join(plain(term) for term in row) for row in store.query(PROLOGUE + sparql, **options)
    )
