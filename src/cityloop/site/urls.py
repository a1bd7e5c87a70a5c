"""All addresses: every room's and every project's `urls`, each with its full paths."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from cityloop.site.found import project_apps, room_apps

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include(f"{app}.urls"))
    for app in (*room_apps(), *project_apps(), "cityloop.site.projects", "cityloop.site.operation")
    if find_spec(f"{app}.urls")
]

handler500 = "cityloop.site.operation.views.failed"
