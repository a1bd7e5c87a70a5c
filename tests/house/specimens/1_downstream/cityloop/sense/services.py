from cityloop.decide import facade
