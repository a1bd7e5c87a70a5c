"""The demo city: what it plays, from which set or rule, and how it is labelled; `city.prepare` makes it stand."""
