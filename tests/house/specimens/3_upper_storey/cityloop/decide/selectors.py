from cityloop.decide import services
