"""Addresses of assess."""

from django.urls import path

from cityloop.assess import views

app_name = "assess"

urlpatterns = [
    path("indicators/", views.overview, name="overview"),
    path("indicators/<slug:code>/", views.indicator, name="indicator"),
]
