"""Convey as a Django application."""

from django.apps import AppConfig


class ConveyConfig(AppConfig):
    """The transport network."""

    name = "cityloop.convey"
    label = "convey"
    default_auto_field = "django.db.models.BigAutoField"
