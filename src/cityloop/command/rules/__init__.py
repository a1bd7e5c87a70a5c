"""Pure rules of the duty room: the day's name, the lines of the wall, lights, words for facts, the chain of a trace."""
