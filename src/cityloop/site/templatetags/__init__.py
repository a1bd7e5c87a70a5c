"""Template tags every room may use: `{% load cityloop %}`."""
