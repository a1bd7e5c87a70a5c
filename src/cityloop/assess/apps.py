"""Assess as a Django application."""

from django.apps import AppConfig


class AssessConfig(AppConfig):
    """Indicators and their values."""

    name = "cityloop.assess"
    label = "assess"
    default_auto_field = "django.db.models.BigAutoField"
