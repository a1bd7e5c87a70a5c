"""Respond as a Django application."""

from django.apps import AppConfig


class RespondConfig(AppConfig):
    """Signals, cases and tasks."""

    name = "cityloop.respond"
    label = "respond"
    default_auto_field = "django.db.models.BigAutoField"
