from cityloop.kernel import units
