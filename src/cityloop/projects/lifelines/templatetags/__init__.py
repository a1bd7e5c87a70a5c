"""Template tags of the lifelines: `{% load lifelines %}`."""
