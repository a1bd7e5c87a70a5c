"""The site as a Django application: base templates, static files, commands."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site."""

    name = "cityloop.site"
    label = "cityloop_site"

    def ready(self) -> None:
        """Open the way by which readings that people enter come in; let the journal know the facts of the projects."""
        from cityloop.sense import facade as sense  # noqa: PLC0415  models are loaded first
        from cityloop.site.found import project_facts  # noqa: PLC0415
        from cityloop.site.mouth import keep_entered  # noqa: PLC0415

        sense.bind_mouth(keep_entered)
        project_facts()
