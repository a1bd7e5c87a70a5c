"""Pure rules of convey: contracts, words of the catalogue, DCAT, positions of feeds, signatures."""
