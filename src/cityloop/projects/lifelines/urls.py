"""Addresses of the lifelines."""

from django.urls import path

from cityloop.projects.lifelines.views import dependencies, gaps, lines, network

app_name = "lifelines"

urlpatterns = [
    path("projects/lifelines/lines/", lines.tiles, name="lines"),
    path("projects/lifelines/lines/<slug:line>/", lines.line, name="line"),
    path("projects/lifelines/gaps/", gaps.gaps, name="gaps"),
    path("projects/lifelines/network/", network.network, name="network"),
    path("projects/lifelines/dependencies/", dependencies.dependencies, name="dependencies"),
]
