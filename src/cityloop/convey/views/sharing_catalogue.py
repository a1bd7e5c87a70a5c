"""The catalogue: the list, one data set, its form, DCAT for harvesters, what other catalogues offer."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from cityloop.convey.facade import sharing
from cityloop.convey.forms.sharing import CatalogueFilter, DatasetForm
from cityloop.kernel.errors import CityloopError
from cityloop.registry import facade as registry
from cityloop.registry.facade import PersonView, Right, person_of, public, requires, sentence_of
from cityloop.sense import facade as sense

REFUSED = 422
"""Status of an answer to a form that cannot be accepted."""

STREAMS_SHOWN_MAX = 100
"""How many streams a page lists."""

ARRIVED_OVER = timedelta(hours=24)
"""Over how long the share of data that arrived is counted."""

_TURTLE, _JSON_LD = "text/turtle", "application/ld+json"


@requires(Right.SEE_CATALOGUE)
@require_safe
def catalogue(request: HttpRequest) -> HttpResponse:
    """List the data sets a person may know of."""
    person = person_of(request)
    everything = sharing.visible_datasets(person)
    form = CatalogueFilter(request.GET, owners=sorted({one.owner for one in everything}))
    asked = form.asked()
    found = sharing.visible_datasets(person, **asked) if any(asked.values()) else everything
    counts, names = sense.dataset_stream_counts(), _names(one.owner for one in found)
    context = {
        "form": form,
        "rows": [(one, names[one.owner], counts.get(one.code, 0)) for one in found],
        "externals": sharing.external_sets(text=asked["text"]) if not asked["owner"] and not asked["theme"] else [],
        "is_narrowed": any(asked.values()),
        "may_add": bool(sharing.bodies_sharing(person)),
    }
    return render(request, "convey/catalogue.html", context)


def _names(codes: Any) -> dict[str, Any]:
    return {code: registry.organisation_name(code) for code in set(codes)}


@requires(Right.SEE_CATALOGUE)
@require_safe
def dataset(request: HttpRequest, code: str) -> HttpResponse:
    """Show a data set: what it is, its fields and streams, how much arrived, and how to get it."""
    person = person_of(request)
    view = sharing.dataset_for(person, code)
    may_see = sharing.may_see_values(person, view)
    streams = sense.streams_of_dataset(code)
    latest = sense.latest_of([one.datastream_id for one in streams[:STREAMS_SHOWN_MAX]]) if may_see else {}
    now = timezone.now()
    arrived = sense.arrivals([one.datastream_id for one in streams], since=now - ARRIVED_OVER, until=now)
    askers = [one for one in sharing.bodies_sharing(person) if one != view.owner]
    mine = sharing.bodies_of(person)
    context = {
        "dataset": view,
        "owner": registry.organisation_name(view.owner),
        "area": registry.area_name(view.about.area),
        "fields": sense.properties_of_dataset(code),
        "rows": [(one, latest.get(one.datastream_id)) for one in streams[:STREAMS_SHOWN_MAX]],
        "streams": len(streams),
        "origins": sorted({one.origin.value for one in streams if one.origin.value != "live"}),
        "may_see_values": may_see,
        "arrived": arrived,
        "may_edit": sharing.may_share_for(person, view.owner),
        "may_ask": bool(askers) and view.about.openness is not sharing.Openness.INTERNAL,
        "contracts": [one for one in sharing.contracts(sides=mine, dataset=code) if not one.state.is_over],
        "topics": [f"v1.1/Datastreams({one.datastream_id})/Observations" for one in streams[:3]],
        "base": request.build_absolute_uri("/").rstrip("/"),
    }
    return render(request, "convey/dataset.html", context)


@requires(Right.SHARE_DATA)
@require_http_methods(["GET", "HEAD", "POST"])
def new_dataset(request: HttpRequest) -> HttpResponse:
    """Enter a data set of one's own organisation."""
    person = person_of(request)
    owners = sharing.bodies_sharing(person)
    asked = (request.POST if request.method == "POST" else request.GET).get("owner", "")
    owner = asked if asked in owners else next(iter(owners), "")
    form = DatasetForm(request.POST if request.method == "POST" else None, owners=owners, owner=owner)
    if request.method == "POST" and form.is_valid():
        try:
            view, assigned = sharing.add_own_dataset(
                person,
                form.cleaned_data["code"],
                owner=form.cleaned_data["owner"],
                about=form.about(),
                selection=form.selection(),
            )
        except registry.AccessDeniedError:
            raise
        except CityloopError as error:
            _blame(form, error)
        else:
            return _done(request, view, assigned)
    return _form_page(request, form, None)


@requires(Right.SHARE_DATA)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_dataset(request: HttpRequest, code: str) -> HttpResponse:
    """Change a data set of one's own organisation."""
    person = person_of(request)
    view = sharing.dataset_for(person, code)
    sharing.must_share_for(person, view.owner, what=f"data set {code}")
    form = DatasetForm(
        request.POST if request.method == "POST" else None, owners=(view.owner,), owner=view.owner, view=view
    )
    if request.method == "POST" and form.is_valid():
        try:
            changed, assigned = sharing.change_own_dataset(
                person,
                code,
                about=form.about(),
                selection=form.selection(),
                version=form.cleaned_data["version"] or 0,
            )
        except registry.AccessDeniedError:
            raise
        except CityloopError as error:
            _blame(form, error)
        else:
            return _done(request, changed, assigned)
    return _form_page(request, form, view)


def _blame(form: DatasetForm, error: CityloopError) -> None:
    form.add_error(error.field if error.field in form.fields else None, sentence_of(error))


def _done(request: HttpRequest, view: sharing.DatasetView, assigned: sense.Assigned) -> HttpResponse:
    said = _("Kept. The data set has %(streams)s streams; %(elsewhere)s more are in other data sets and stay there.")
    messages.success(request, said % {"streams": assigned.streams, "elsewhere": assigned.elsewhere})
    return HttpResponseRedirect(reverse("convey:dataset", args=[view.code]))


def _form_page(request: HttpRequest, form: DatasetForm, view: sharing.DatasetView | None) -> HttpResponse:
    context = {"form": form, "dataset": view}
    return render(request, "convey/dataset_form.html", context, status=REFUSED if form.errors else 200)


@public
@require_safe
def dcat(request: HttpRequest, kind: str = "") -> HttpResponse:
    """Give the catalogue as DCAT 3; open data sets to everybody, those by contract to whoever may see the catalogue.

    A machine shows its token in `Authorization: Bearer`. Without an ending the form follows `Accept`.
    """
    accepts = request.headers.get("Accept", "")
    chosen = kind or ("jsonld" if _JSON_LD in accepts and _TURTLE not in accepts.partition(_JSON_LD)[0] else "ttl")
    host = request.get_host().rpartition(":")[0] or request.get_host()
    site = sharing.site_at(
        request.build_absolute_uri("/").rstrip("/"), mqtt=f"mqtt://{host}:{settings.CITYLOOP_MQTT_PORT}"
    )
    body, content_type = sharing.dcat_document(
        chosen, site=site, only_open=not _may_harvest(request, person_of(request))
    )
    answer = HttpResponse(body, content_type=content_type)
    answer["Vary"] = "Accept, Authorization, Cookie"
    answer["Cache-Control"] = "private, no-store"
    return answer


def _may_harvest(request: HttpRequest, person: PersonView) -> bool:
    scheme, _space, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return registry.may_token_read(token.strip(), now=timezone.now())
    return Right.SEE_CATALOGUE in person.rights and not person.must_change_password
