"""Plays recorded readings through MQTT as a device would: mapping, rows, shift, position, device, player."""
