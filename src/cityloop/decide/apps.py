"""The room that decides as a Django application."""

from django.apps import AppConfig


class DecideConfig(AppConfig):
    """Watches and alarms."""

    name = "cityloop.decide"
    label = "decide"
    default_auto_field = "django.db.models.BigAutoField"
