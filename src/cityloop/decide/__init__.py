"""Baselines, watches and alarms: what readings mean is screened everywhere and decided in one place."""
