"""The site as a Django application: base templates, static files, commands."""

from django.apps import AppConfig

from cityloop.site.standings import offer_standings


class SiteConfig(AppConfig):
    """The site."""

    name = "cityloop.site"
    label = "cityloop_site"

    def ready(self) -> None:
        """Open the way for readings that people enter; let projects bring facts and tell how their lines stand."""
        from cityloop.sense import facade as sense  # noqa: PLC0415  models are loaded first
        from cityloop.site.found import project_facts  # noqa: PLC0415
        from cityloop.site.mouth import keep_entered  # noqa: PLC0415

        sense.bind_mouth(keep_entered)
        project_facts()
        offer_standings()
