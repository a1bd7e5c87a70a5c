"""Address of the projects' pages; a project's own `urls` come before it."""

from django.urls import path

from cityloop.site.projects import views

app_name = "projects"

urlpatterns = [path("projects/<slug:project>/", views.project_page, name="project")]
"""`/projects/lifelines/` and so on."""
