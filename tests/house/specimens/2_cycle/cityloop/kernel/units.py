from cityloop.kernel import levels
