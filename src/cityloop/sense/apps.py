"""Sense as a Django application."""

from django.apps import AppConfig


class SenseConfig(AppConfig):
    """Things, their datastreams and what they observed."""

    name = "cityloop.sense"
    label = "sense"
    default_auto_field = "django.db.models.BigAutoField"
