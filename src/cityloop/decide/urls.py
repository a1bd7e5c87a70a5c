"""Addresses of this room."""

from django.urls import path

from cityloop.decide.views import alarms, model_cards, performance, shelving, watches

app_name = "decide"

urlpatterns = [
    path("alarms/", alarms.alarm_list, name="alarms"),
    path("alarms/<int:alarm_id>/", alarms.alarm, name="alarm"),
    path("alarms/<int:alarm_id>/acknowledge/", alarms.acknowledge, name="acknowledge"),
    path("alarms/<int:alarm_id>/shelve/", alarms.shelve, name="shelve"),
    path("alarms/<int:alarm_id>/unshelve/", alarms.unshelve, name="unshelve"),
    path("alarms/<int:alarm_id>/close/", alarms.close, name="close"),
    path("alarms/<int:alarm_id>/shelve/ask/", shelving.ask, name="ask_to_shelve"),
    path("alarms/shelving/<int:request_id>/consent/", shelving.consent, name="consent"),
    path("alarms/shelving/<int:request_id>/decline/", shelving.decline, name="decline"),
    path("alarms/performance/", performance.performance, name="performance"),
    path("alarms/activations/", performance.activations, name="activations"),
    path("alarm-measures/", performance.measure_list, name="measures"),
    path("alarm-measures/<str:code>/", performance.measure, name="measure"),
    path("forecasts/", model_cards.model_cards, name="model_cards"),
    path("forecasts/<int:datastream_id>/", model_cards.model_card, name="model_card"),
    path("watches/", watches.watch_list, name="watches"),
    path("watches/new/", watches.new_watch, name="new_watch"),
    path("watches/<str:code>/", watches.watch, name="watch"),
]
