"""The lifelines as a Django application."""

from django.apps import AppConfig


class LifelinesConfig(AppConfig):
    """City lifelines."""

    name = "cityloop.projects.lifelines"
    label = "lifelines"
