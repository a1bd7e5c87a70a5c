"""Addresses of the transport network: shared data, devices, nodes."""

from django.urls import path

from cityloop.convey.views import (
    devices,
    devices_acts,
    devices_import,
    nodes,
    sharing_catalogue,
    sharing_contracts,
    sharing_reads,
)

app_name = "convey"

urlpatterns = [
    path("devices/", devices.device_list, name="devices"),
    path("devices/import/", devices_import.import_devices, name="devices-import"),
    path("devices/import/example.csv", devices_import.example, name="devices-example"),
    path("devices/import/<int:import_id>.csv", devices_import.report, name="devices-report"),
    path("devices/<str:code>/", devices.device, name="device"),
    path("devices/<str:code>/act/", devices_acts.act, name="device-act"),
    path("devices/<str:code>/key/", devices_acts.issue_key, name="device-key"),
    path("devices/<str:code>/keys/revoke/", devices_acts.revoke_keys, name="device-revoke"),
    path("devices/<str:code>/secret/", devices_acts.set_secret, name="device-secret"),
    path("devices/<str:code>/calibration/", devices_acts.calibrate, name="device-calibrate"),
    path("nodes/", nodes.node_list, name="nodes"),
    path("catalogue/", sharing_catalogue.catalogue, name="catalogue"),
    path("catalogue/new/", sharing_catalogue.new_dataset, name="dataset-new"),
    path("catalogue/statistics/", sharing_reads.statistics, name="exchange"),
    path("catalogue/reads/", sharing_reads.read_log, name="reads"),
    path("catalogue/reads.csv", sharing_reads.read_log_csv, name="reads-csv"),
    path("catalogue/dcat", sharing_catalogue.dcat, name="dcat"),
    path("catalogue/dcat.ttl", sharing_catalogue.dcat, {"kind": "ttl"}, name="dcat-ttl"),
    path("catalogue/dcat.jsonld", sharing_catalogue.dcat, {"kind": "jsonld"}, name="dcat-jsonld"),
    path("catalogue/<str:code>/", sharing_catalogue.dataset, name="dataset"),
    path("catalogue/<str:code>/edit/", sharing_catalogue.edit_dataset, name="dataset-edit"),
    path("catalogue/<str:code>/ask/", sharing_contracts.ask, name="contract-ask"),
    path("contracts/", sharing_contracts.contract_list, name="contracts"),
    path("contracts/<int:contract_id>/", sharing_contracts.contract, name="contract"),
    path("contracts/<int:contract_id>/decide/", sharing_contracts.decide, name="contract-decide"),
    path("contracts/<int:contract_id>/end/", sharing_contracts.end, name="contract-end"),
    path("contracts/<int:contract_id>/tokens/", sharing_contracts.issue_token, name="contract-token"),
    path(
        "contracts/<int:contract_id>/tokens/<int:token_id>/revoke/",
        sharing_contracts.revoke_token,
        name="contract-token-revoke",
    ),
    path("contracts/<int:contract_id>/webhooks/", sharing_contracts.subscribe, name="webhook-new"),
    path(
        "contracts/<int:contract_id>/webhooks/<int:subscription_id>/",
        sharing_contracts.change_webhook,
        name="webhook",
    ),
    path(
        "contracts/<int:contract_id>/letters/<int:letter_id>/again/",
        sharing_contracts.redeliver,
        name="letter-again",
    ),
]
