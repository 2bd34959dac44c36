"""The IRIs in use, as attributes that exist only if the term does.

The names of `DEEP` are generated from the Turtle modules (`python -m ontology.generate`) and
compared with them by a test, so a constant cannot drift from the ontology; the terms of other
vocabularies are listed here, each checked by hand once.
"""

from pyoxigraph import NamedNode

from ontology.deep_terms import DEEP_NAMES

DEEP_NAMESPACE = "https://w3id.org/deepcube/ontology#"


class Vocabulary:
    """A closed set of terms under one namespace; an unknown term is an AttributeError."""

    def __init__(self, namespace: str, terms: str | frozenset[str]) -> None:
        self._namespace = namespace
        self._terms = frozenset(terms.split()) if isinstance(terms, str) else terms

    def __getattr__(self, name: str) -> NamedNode:
        if name.startswith("__") or name not in self._terms:
            hint = "; is it new? run `python -m ontology.generate`"
            raise AttributeError(
                f"{self._namespace}{name} is not a term of this vocabulary"
                f"{hint if self._namespace == DEEP_NAMESPACE else ''}"
            )
        return NamedNode(self._namespace + name)

    def __iter__(self):  # type: ignore[no-untyped-def]  # noqa: ANN204
        return (NamedNode(self._namespace + name) for name in sorted(self._terms))

    @property
    def namespace(self) -> str:
        """The IRI that every term starts with."""
        return self._namespace


DEEP = Vocabulary(DEEP_NAMESPACE, DEEP_NAMES)

DCAT = Vocabulary(
    "http://www.w3.org/ns/dcat#",
    "Dataset Distribution bbox byteSize distribution downloadURL mediaType "
    "spatialResolutionInMeters temporalResolution",
)
DCTERMS = Vocabulary(
    "http://purl.org/dc/terms/",
    "conformsTo created creator description extent hasPart identifier isPartOf license "
    "publisher rights source spatial temporal title",
)
DEEPF = Vocabulary(
    "https://w3id.org/deepcube/function#",
    "anomaly areaAbove areaBelow cellOperation clip clipWindow count dimension distribution "
    "maximum mean minimum nearest quantile size slice standardDeviation sum trend "
    "trendSignificance valueAt",
)
DQV = Vocabulary(
    "http://www.w3.org/ns/dqv#",
    "QualityMeasurement computedOn hasQualityMeasurement isMeasurementOf value",
)
GEO = Vocabulary(
    "http://www.opengis.net/ont/geosparql#",
    "Feature Geometry asDGGS asGML asGeoJSON asKML asWKT dggsLiteral geoJSONLiteral "
    "gmlLiteral hasBoundingBox hasCentroid hasDefaultGeometry hasGeometry "
    "hasSerialization kmlLiteral wktLiteral",
)
GEOF = Vocabulary(
    "http://www.opengis.net/def/function/geosparql/",
    "aggBoundingBox aggBoundingCircle aggCentroid aggConcaveHull aggConvexHull aggUnion "
    "aggboundingBox area asDGGS asGML asGeoJSON asKML asWKT boundary boundingCircle buffer "
    "centroid concaveHull convexHull coordinateDimension difference dimension distance "
    "ehContains ehCoveredBy ehCovers ehDisjoint ehEquals ehInside ehMeet ehOverlap envelope "
    "geometryN geometryType getSRID intersection is3D isEmpty isMeasured isSimple length maxX "
    "maxY maxZ metricArea metricBuffer metricDistance metricLength metricPerimeter minX minY "
    "minZ numGeometries perimeter rcc8dc rcc8ec rcc8eq rcc8ntpp rcc8ntppi rcc8po rcc8tpp "
    "rcc8tppi relate sfContains sfCrosses sfDisjoint sfEquals sfIntersects sfOverlaps "
    "sfTouches sfWithin spatialDimension symDifference transform union",
)
OWL = Vocabulary(
    "http://www.w3.org/2002/07/owl#",
    "Class NamedIndividual Nothing Ontology equivalentClass versionInfo",
)
PROV = Vocabulary(
    "http://www.w3.org/ns/prov#",
    "Activity Entity SoftwareAgent endedAtTime generated startedAtTime used wasAssociatedWith "
    "wasDerivedFrom wasGeneratedBy",
)
QUDT = Vocabulary(
    "http://qudt.org/schema/qudt/",
    "Unit conversionMultiplier conversionOffset hasDimensionVector hasUnit symbol",
)
RDF = Vocabulary("http://www.w3.org/1999/02/22-rdf-syntax-ns#", "JSON type value")
RDFS = Vocabulary(
    "http://www.w3.org/2000/01/rdf-schema#",
    "Datatype Literal comment domain isDefinedBy label range subClassOf subPropertyOf",
)
SF = Vocabulary(
    "http://www.opengis.net/ont/sf#",
    "GeometryCollection LineString LinearRing MultiLineString MultiPoint MultiPolygon Point "
    "Polygon",
)
SHACL = Vocabulary("http://www.w3.org/ns/shacl#", "shapesGraph")
SKOS = Vocabulary(
    "http://www.w3.org/2004/02/skos/core#",
    "Concept ConceptScheme definition inScheme notation prefLabel",
)
SOSA = Vocabulary(
    "http://www.w3.org/ns/sosa/",
    "ObservableProperty Observation hasFeatureOfInterest hasSimpleResult observedProperty "
    "phenomenonTime resultTime usedProcedure",
)
SPDX = Vocabulary("http://spdx.org/rdf/terms#", "checksum checksumValue")
TIME = Vocabulary(
    "http://www.w3.org/2006/time#",
    "Instant Interval hasBeginning hasEnd hasTime inXSDDateTimeStamp",
)
XSD = Vocabulary(
    "http://www.w3.org/2001/XMLSchema#",
    "anyURI boolean byte date dateTime dateTimeStamp decimal double duration float gYear "
    "gYearMonth int integer long negativeInteger nonNegativeInteger nonPositiveInteger "
    "positiveInteger short string unsignedByte unsignedInt unsignedLong unsignedShort",
)

#: Prefixes that queries, mappings and serialisations may use without declaring them.
PREFIXES: dict[str, str] = {
    "cf": "http://vocab.nerc.ac.uk/standard_name/",
    "dcat": DCAT.namespace,
    "dcterms": DCTERMS.namespace,
    "deep": DEEP.namespace,
    "deepf": DEEPF.namespace,
    "dqv": DQV.namespace,
    "geo": GEO.namespace,
    "geof": GEOF.namespace,
    "grib": "https://codes.ecmwf.int/grib/param-db/",
    "owl": OWL.namespace,
    "prov": PROV.namespace,
    "qudt": QUDT.namespace,
    "rdf": RDF.namespace,
    "rdfs": RDFS.namespace,
    "sf": SF.namespace,
    "skos": SKOS.namespace,
    "sosa": SOSA.namespace,
    "time": TIME.namespace,
    "unit": "http://qudt.org/vocab/unit/",
    "xsd": XSD.namespace,
}


def expand(curie: str) -> NamedNode:
    """Return the IRI that a prefixed name or a full IRI stands for.

    Raises:
        ValueError: The prefix is unknown.
    """
    prefix, colon, local = curie.partition(":")
    if not colon or local.startswith("//"):
        return NamedNode(curie)
    if prefix not in PREFIXES:
        raise ValueError(f"unknown prefix in {curie!r}; known are {', '.join(sorted(PREFIXES))}")
    # CF standard names end in a slash at the NERC vocabulary server.
    tail = "/" if prefix == "cf" and not local.endswith("/") else ""
    return NamedNode(PREFIXES[prefix] + local + tail)


def compact(iri: str) -> str:
    """Return the prefixed name of an IRI for people to read, or the IRI itself."""
    for prefix, namespace in PREFIXES.items():
        local = iri.removeprefix(namespace)
        if local != iri and local and not set(local.rstrip("/")) & set("/#?"):
            return f"{prefix}:{local.rstrip('/')}"
    return iri
