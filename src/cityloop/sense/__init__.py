"""Things, sensors, datastreams, observations: the SensorThings API and the history behind it."""
