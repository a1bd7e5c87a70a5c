"""The registry as a Django application."""

from django.apps import AppConfig


class RegistryConfig(AppConfig):
    """The registry."""

    name = "cityloop.registry"
    label = "registry"
    default_auto_field = "django.db.models.BigAutoField"
