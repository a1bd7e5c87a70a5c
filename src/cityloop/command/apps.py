"""Command as a Django application."""

from django.apps import AppConfig


class CommandConfig(AppConfig):
    """The duty room."""

    name = "cityloop.command"
    label = "command"
    default_auto_field = "django.db.models.BigAutoField"
