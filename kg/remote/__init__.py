"""A store on a SPARQL 1.1 server elsewhere: what the server cannot do is planned and done here.

It is for servers with plain SPARQL 1.1 and no or little GeoSPARQL that other programs write to
as well; it is tested on Virtuoso 7 and on `oxigraph serve`. A store in a folder
(`kg.embedded`) does all of it faster.
"""
