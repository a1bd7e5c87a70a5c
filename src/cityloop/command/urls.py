"""Addresses of the duty room."""

from django.urls import path

from cityloop.command.views import feed, home, platform, shift, trace, wall

app_name = "command"

urlpatterns = [
    path("", home.home, name="home"),
    path("wall/", wall.wall, name="wall"),
    path("wall/data/", wall.wall_data, name="wall-data"),
    path("wall/feed/", feed.feed, name="wall-feed"),
    path("map/districts/", wall.districts, name="districts"),
    path("map/base.pmtiles", wall.base_map_file, name="base-map"),
    path("shift/", shift.shift, name="shift"),
    path("shift/log/", shift.log, name="shift-log"),
    path("platform/", platform.platform, name="platform"),
    path("trace/fact/<uuid:fact_id>/", trace.fact, name="trace-fact"),
    path("trace/observation/<int:observation_id>/", trace.observation, name="trace-observation"),
    path("trace/stream/<int:datastream_id>/", trace.stream, name="trace-stream"),
    path("trace/line/<str:project>/<str:code>/", trace.line, name="trace-line"),
    path("trace/facts/", trace.facts, name="trace-facts"),
    path("trace/open-alarms/", trace.open_alarms, name="trace-open-alarms"),
    path("trace/open-cases/", trace.open_cases, name="trace-open-cases"),
    path("trace/transport/", trace.transport, name="trace-transport"),
    path("trace/rejected/", trace.rejected, name="trace-rejected"),
]
