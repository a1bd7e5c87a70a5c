from cityloop.decide import selectors
