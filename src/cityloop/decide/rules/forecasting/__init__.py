"""Forecasts of streams: cleaning, calendar, models, bands, comparisons. Pure numerics."""
