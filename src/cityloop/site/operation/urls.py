"""Addresses for monitoring."""

from django.urls import path

from cityloop.site.operation import views

app_name = "operation"

urlpatterns = [path("metrics", views.metrics, name="metrics")]
