"""The morning brief on paper: A4, black and white, its font embedded."""

from cityloop.projects.lifelines.selectors.paper.brief import brief_pdf

__all__ = ["brief_pdf"]
