"""Addresses of this room."""

from django.urls import path

from cityloop.sense import views

app_name = "sense"

urlpatterns = [
    path("tasks/", views.task_list, name="tasks"),
    path("tasks/give/<int:capability_id>/", views.give, name="task-give"),
]
