"""The one pipeline, composed: history, latest values, screen, stream position and journal in one transaction."""

from cityloop.site.pipeline.run import Pipeline, open_pipeline

__all__ = ["Pipeline", "open_pipeline"]
