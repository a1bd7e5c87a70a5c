"""The audit: who reached for what."""

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cityloop.kernel.areas import AreaCode
from cityloop.registry import facade
from cityloop.registry.facade import Right
from cityloop.registry.forms import AuditFilter


@facade.requires(Right.READ_AUDIT, sensitive=True)
@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """List the audit, newest first; reading it is audited too."""
    form = AuditFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    actor, outcome = asked.get("actor") or "", asked.get("outcome") or ""
    entries = facade.audit_entries(actor=actor, outcome=outcome, before_id=asked.get("before"))
    names = facade.actor_names({entry.actor for entry in entries} | {actor})
    areas = facade.area_names({AreaCode(entry.area) for entry in entries if entry.area})
    older = ""
    if len(entries) == facade.AUDIT_PAGE_ROWS:
        older = urlencode({"actor": actor, "outcome": outcome, "before": entries[-1].entry_id})
    rows = [(entry, names[entry.actor], areas.get(AreaCode(entry.area))) for entry in entries]
    context = {"form": form, "rows": rows, "older": older, "actor": actor, "actor_name": names[actor]}
    return render(request, "registry/audit.html", context)
