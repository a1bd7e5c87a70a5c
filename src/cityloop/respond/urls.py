"""Addresses of respond."""

from django.urls import path

from cityloop.respond import views

app_name = "respond"

urlpatterns = [
    path("cases/", views.queue, name="queue"),
    path("cases/new/", views.new_case, name="new"),
    path("cases/similar/", views.similar, name="similar"),
    path("cases/<int:case_id>/", views.case, name="case"),
    path("cases/<int:case_id>/step/", views.take_step, name="step"),
]
