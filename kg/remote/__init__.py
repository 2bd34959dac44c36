"""A SPARQL server elsewhere: what it cannot do is planned and evaluated here."""
