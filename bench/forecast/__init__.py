"""How well the city forecasts, on public sets."""
