"""Addresses of the lifelines."""

from django.urls import path

from cityloop.projects.lifelines.views import brief, public

app_name = "lifelines"

urlpatterns = [
    path("lifelines/", public.lines, name="public"),
    path("projects/lifelines/brief/", brief.brief, name="brief"),
]
