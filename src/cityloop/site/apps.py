"""The site as a Django application: base templates, static files, commands."""

from django.apps import AppConfig


class SiteConfig(AppConfig):
    """The site."""

    name = "cityloop.site"
    label = "cityloop_site"

    def ready(self) -> None:
        """Open the way by which readings that people enter come into the pipeline."""
        from cityloop.sense import facade as sense  # noqa: PLC0415  models are loaded first
        from cityloop.site.mouth import keep_entered  # noqa: PLC0415

        sense.bind_mouth(keep_entered)
