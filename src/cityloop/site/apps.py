"""The site as a Django application: base templates, static files, commands."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site."""

    name = "cityloop.site"
    label = "cityloop_site"

    def ready(self) -> None:
        """Let the journal know the facts of the projects, in every process that reads it."""
        from cityloop.site.found import project_facts  # noqa: PLC0415  the tables of all rooms stand first

        project_facts()
