"""The site as a Django application: base templates, static files, commands."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site."""

    name = "cityloop.site"
    label = "cityloop_site"
