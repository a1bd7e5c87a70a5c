"""Pure rules of the registry: who may do what where, which bodies there are, when a guesser is locked out."""
