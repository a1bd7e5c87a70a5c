"""Addresses of the lifelines."""

from django.urls import path

from cityloop.projects.lifelines.views import brief, public, sheet, telling, thresholds

app_name = "lifelines"

urlpatterns = [
    path("lifelines/", public.lines, name="public"),
    path("projects/lifelines/brief/", brief.brief, name="brief"),
    path("projects/lifelines/sheet/", sheet.sheet, name="sheet"),
    path("projects/lifelines/sheet.csv", sheet.sheet_file, name="sheet_file"),
    path("projects/lifelines/sheet/<slug:line>/<slug:name>/", sheet.number, name="number"),
    path("projects/lifelines/tell/<slug:line>/", telling.tell, name="tell"),
    path("projects/lifelines/thresholds/", thresholds.threshold_list, name="thresholds"),
    path("projects/lifelines/thresholds/<slug:threshold>/", thresholds.threshold, name="threshold"),
]
"""Each with its full path."""
