"""The site as a Django application: base templates, static files, commands."""

from django.apps import AppConfig

from cityloop.site.standings import offer_standings


class SiteConfig(AppConfig):
    """The site."""

    name = "cityloop.site"
    label = "cityloop_site"

    def ready(self) -> None:
        """Let projects tell the wall how their lines stand."""
        offer_standings()
