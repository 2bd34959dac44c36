"""Questions to the graph about a run of the fire danger model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ml.use_case import Question

if TYPE_CHECKING:
    from pyoxigraph import NamedNode

    from kg.views.moments import Moment


def questions(run: NamedNode, moment: Moment) -> tuple[Question, ...]:
    """Return what the demo asks of the graph about a run and a day of it."""
    day = moment.label
    return (
        Question(
            title=f"On {day}, which towns lay where danger was highest, and what does it rest on?",
            sparql=f"""
SELECT ?town (?value AS ?danger) ?low ?high ?class
       (GROUP_CONCAT(?input; separator=", ") AS ?inputs)
WHERE {{
  ?prediction prov:wasGeneratedBy <{run.value}> ;
      sosa:phenomenonTime/time:hasBeginning/time:inXSDDateTimeStamp
          "{day}T00:00:00Z"^^xsd:dateTime ;
      sosa:hasFeatureOfInterest/geo:hasDefaultGeometry/geo:asWKT ?cell ;
      sosa:hasSimpleResult ?value ; deep:lowerBound ?low ; deep:upperBound ?high ;
      deep:dangerClass/rdfs:label ?class ; prov:wasDerivedFrom ?part .
  OPTIONAL {{ ?part deep:ofVariable ?of }}  # a series; what is no series is a variable itself
  BIND(COALESCE(?of, ?part) AS ?variable)
  ?variable rdfs:label ?input .
  <{run.value}> deep:usesPlan/deep:planRegion/deep:countryCode ?country .
  ?place a deep:Settlement ; rdfs:label ?town ; deep:countryCode ?country ;
      geo:hasDefaultGeometry/geo:asWKT ?point .
  FILTER(geof:sfWithin(?point, ?cell))
}}
GROUP BY ?town ?value ?low ?high ?class ORDER BY DESC(?value) ?town LIMIT 8""",
        ),
        Question(
            title="Which alerts concern the most people?",
            sparql=f"""
SELECT ?headline (STRDT(SUBSTR(STR(?onset), 1, 10), xsd:date) AS ?from) ?severity ?certainty
       (GROUP_CONCAT(?town; separator=", ") AS ?towns) (SUM(?people) AS ?population)
WHERE {{
  ?alert a deep:Alert ; prov:wasGeneratedBy <{run.value}> ; deep:capHeadline ?headline ;
      deep:capOnset ?onset ; deep:capSeverity ?severity ; deep:capCertainty ?certainty ;
      deep:alertArea/geo:hasDefaultGeometry/geo:asWKT ?cell .
  <{run.value}> deep:usesPlan/deep:planRegion/deep:countryCode ?country .
  ?place a deep:Settlement ; rdfs:label ?town ; deep:population ?people ;
      deep:countryCode ?country ; geo:hasDefaultGeometry/geo:asWKT ?point .
  FILTER(geof:sfWithin(?point, ?cell))
}}
GROUP BY ?alert ?headline ?onset ?severity ?certainty ORDER BY DESC(?population) ?onset LIMIT 6""",
        ),
        Question(
            title="What is in the cube that was refused, and why was it refused?",
            sparql="""
SELECT ?cube ?variable ?chunks ?valid ?lowest ?highest (SAMPLE(?reason) AS ?why)
WHERE {
  { SELECT ?v (COUNT(?chunk) AS ?chunks) (SUM(?n) AS ?valid) (MIN(?min) AS ?lowest)
           (MAX(?max) AS ?highest)
    WHERE { ?chunk a deep:Chunk ; deep:ofVariable ?v ; deep:validCount ?n ;
                   deep:minimum ?min ; deep:maximum ?max } GROUP BY ?v }
  ?v rdfs:label ?variable ; deep:variableOf/dcterms:title ?cube .
  ?refusal a deep:Refusal ; deep:variable ?v ; deep:reason ?reason ;
      deep:slot <https://w3id.org/deepcube/model/fire-danger#temperature> .
}
GROUP BY ?cube ?variable ?chunks ?valid ?lowest ?highest ORDER BY ?cube ?variable""",
        ),
    )
