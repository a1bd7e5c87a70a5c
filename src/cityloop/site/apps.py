"""The site as a Django application: base templates, static files, commands."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site."""

    name = "cityloop.site"
    label = "cityloop_site"

    def ready(self) -> None:
        """Let the journal know the facts of the projects; open the way by which entered readings come in."""
        from cityloop.sense import facade as sense  # noqa: PLC0415  models are loaded first
        from cityloop.site.found import project_facts  # noqa: PLC0415  the tables of all rooms stand first
        from cityloop.site.mouth import keep_entered  # noqa: PLC0415

        project_facts()
        sense.bind_mouth(keep_entered)
