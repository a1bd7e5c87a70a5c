"""Addresses of the lifelines."""

from django.urls import path

from cityloop.projects.lifelines.views import (
    brief,
    dependencies,
    gaps,
    lines,
    network,
    public,
    reductions,
    requests,
    sheet,
    telling,
    terms,
    thresholds,
)

app_name = "lifelines"

urlpatterns = [
    path("lifelines/", public.lines, name="public"),
    path("projects/lifelines/brief/", brief.brief, name="brief"),
    path("projects/lifelines/requests/", requests.request_list, name="requests"),
    path("projects/lifelines/requests/new/", requests.new_request, name="new-request"),
    path("projects/lifelines/requests/<int:request_id>/", requests.one_request, name="request"),
    path("projects/lifelines/requests/<int:request_id>/step/", requests.step_request, name="request-step"),
    path("projects/lifelines/requests/<int:request_id>/print/", requests.printed_request, name="request-print"),
    path("projects/lifelines/terms/", terms.term_list, name="terms"),
    path("projects/lifelines/terms/<int:level>/", terms.one_term, name="term"),
    path("projects/lifelines/reductions/", reductions.reduction_list, name="reductions"),
    path("projects/lifelines/reductions/new/", reductions.new_reduction, name="new-reduction"),
    path("projects/lifelines/reductions/<int:reduction_id>/", reductions.one_reduction, name="reduction"),
    path("projects/lifelines/reductions/<int:reduction_id>/step/", reductions.step_reduction, name="reduction-step"),
    path("projects/lifelines/users/<slug:line>/", reductions.users, name="users"),
    path("projects/lifelines/users/<slug:line>/users.csv", reductions.users_file, name="users-file"),
    path("projects/lifelines/lines/", lines.tiles, name="lines"),
    path("projects/lifelines/lines/<slug:line>/", lines.line, name="line"),
    path("projects/lifelines/gaps/", gaps.gaps, name="gaps"),
    path("projects/lifelines/network/", network.network, name="network"),
    path("projects/lifelines/dependencies/", dependencies.dependencies, name="dependencies"),
    path("projects/lifelines/sheet/", sheet.sheet, name="sheet"),
    path("projects/lifelines/sheet.csv", sheet.sheet_file, name="sheet_file"),
    path("projects/lifelines/sheet/<slug:line>/<slug:name>/", sheet.number, name="number"),
    path("projects/lifelines/tell/<slug:line>/", telling.tell, name="tell"),
    path("projects/lifelines/thresholds/", thresholds.threshold_list, name="thresholds"),
    path("projects/lifelines/thresholds/<slug:threshold>/", thresholds.threshold, name="threshold"),
]
"""Each with its full path."""
