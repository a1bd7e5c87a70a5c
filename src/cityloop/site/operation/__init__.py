"""Addresses for those who run the city: figures for Prometheus, health for whoever asks."""
