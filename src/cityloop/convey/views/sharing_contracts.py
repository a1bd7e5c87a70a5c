"""Contracts: mine, one with its history, the request, the decision, tokens and webhooks under it."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cityloop.convey.facade import sharing
from cityloop.convey.forms.sharing import AskForm, DecisionForm, NoteForm, TokenForm, WebhookForm
from cityloop.kernel.errors import CityloopError
from cityloop.registry import facade as registry
from cityloop.registry.facade import HouseForm, PersonView, Right, person_of, requires, sentence_of

REFUSED = 422
"""Status of an answer to a form that cannot be accepted."""


@requires(Right.SEE_CATALOGUE)
@require_safe
def contract_list(request: HttpRequest) -> HttpResponse:
    """List the contracts of the person's organisations: to decide, given, taken; all to whoever runs the platform."""
    person = person_of(request)
    mine = sharing.bodies_of(person)
    sees_all = Right.OPERATE_PLATFORM in person.rights
    found = sharing.contracts(sides=None if sees_all else mine)
    sharing_for = sharing.bodies_sharing(person)
    names = _names({code for one in found for code in (one.asker, one.owner)})
    titles = sharing.dataset_titles({code for one in found for code in one.datasets})

    def rows(chosen: Callable[[sharing.ContractView], bool]) -> list[Any]:
        return [_row(one, names, titles) for one in found if chosen(one)]

    asked = sharing.ContractState.ASKED
    context = {
        "to_decide": rows(lambda one: one.owner in sharing_for and one.state is asked),
        "given": rows(lambda one: one.owner in mine and one.state is not asked),
        "taken": rows(lambda one: one.asker in mine),
        "others": rows(lambda one: not mine & {one.owner, one.asker}),
        "sees_all": sees_all,
        "is_empty": not found,
    }
    return render(request, "convey/contracts.html", context)


def _names(codes: set[str]) -> dict[str, Any]:
    return {code: registry.organisation_name(code) for code in codes}


def _row(one: sharing.ContractView, names: dict[str, Any], titles: dict[str, Any]) -> dict[str, Any]:
    return {
        "contract": one,
        "asker": names[one.asker],
        "owner": names[one.owner],
        "titles": [(code, titles.get(code, code)) for code in one.datasets],
    }


@requires(Right.SHARE_DATA)
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, code: str) -> HttpResponse:
    """Ask the owner of a data set for a contract about it."""
    person = person_of(request)
    view = sharing.dataset_for(person, code)
    askers = tuple(one for one in sharing.bodies_sharing(person) if one != view.owner)
    form = AskForm(request.POST if request.method == "POST" else None, askers=askers)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = sharing.ask_for_contract(
                person,
                [code],
                asker=data["asker"],
                purpose=data["purpose"],
                legal_basis=data["legal_basis"],
                wanted=form.wanted(),
            )
        except registry.AccessDeniedError:
            raise
        except CityloopError as error:
            _blame(form, error)
        else:
            messages.success(request, _("The owner has been asked; the decision will stand here."))
            return HttpResponseRedirect(reverse("convey:contract", args=[made.contract_id]))
    term = sharing.sharing_term("contract_days_max")
    context = {"form": form, "dataset": view, "owner": registry.organisation_name(view.owner), "term": term}
    return render(request, "convey/contract_ask.html", context, status=REFUSED if form.errors else 200)


def _blame(form: HouseForm, error: CityloopError) -> None:
    form.add_error(error.field if error.field in form.fields else None, sentence_of(error))


@requires(Right.SEE_CATALOGUE)
@require_safe
def contract(request: HttpRequest, contract_id: int) -> HttpResponse:
    """Show a contract: what it says, its history, who reads by it, and what can be done."""
    return _contract_page(request, sharing.contract_for(person_of(request), contract_id))


def _contract_page(
    request: HttpRequest,
    found: sharing.ContractView,
    *,
    bound: HouseForm | None = None,
    shown: str = "",
    status: int = 200,
) -> HttpResponse:
    person = person_of(request)
    is_asker = sharing.may_share_for(person, found.asker)
    is_owner = sharing.may_share_for(person, found.owner)
    decides = is_owner and found.state is sharing.ContractState.ASKED
    steps = sharing.contract_steps(found.contract_id)
    names = registry.actor_names({one.actor for one in steps})
    asked = sharing.ReadFilter(contract_id=found.contract_id)
    context = {
        **_row(found, _names({found.asker, found.owner}), sharing.dataset_titles(set(found.datasets))),
        "steps": [(one, names[one.actor]) for one in steps],
        "is_asker": is_asker,
        "is_owner": is_owner,
        "decision": _form(bound, DecisionForm, initial={"until": timezone.localtime(found.wanted.until)})
        if decides
        else None,
        "may_decide": decides and found.asked_by != person.actor,
        "ending": _form(bound, NoteForm)
        if (is_asker or is_owner) and not found.state.is_over and not decides
        else None,
        "reads": sharing.reads(asked, limit=20) if is_asker or is_owner else [],
        "read_number": sharing.read_number(asked),
        **(_machines(found, bound) if is_asker else {}),
        "shown": shown,
        "now": timezone.now(),
    }
    return render(request, "convey/contract.html", context, status=status)


def _form(bound: HouseForm | None, kind: type[HouseForm], **arguments: Any) -> HouseForm:
    return bound if isinstance(bound, kind) else kind(auto_id=f"id_{kind.__name__.lower()}_%s", **arguments)


def _machines(found: sharing.ContractView, bound: HouseForm | None) -> dict[str, Any]:
    hooks = sharing.subscriptions(found.contract_id)
    tokens = [one for one in registry.tokens(organisation=found.asker) if one.revoked_at is None]
    in_force = found.state in (sharing.ContractState.APPROVED, sharing.ContractState.RUNNING)
    return {
        "tokens": tokens,
        "token_form": _form(bound, TokenForm) if not found.state.is_over else None,
        "hooks": [(one, sharing.dead_letters(one.subscription_id)) for one in hooks],
        "hook_form": _form(bound, WebhookForm) if in_force else None,
    }


@requires(Right.SHARE_DATA)
@require_POST
def decide(request: HttpRequest, contract_id: int) -> HttpResponse:
    """Approve a contract until a moment, or refuse it."""
    form = DecisionForm(request.POST, auto_id="id_decisionform_%s")

    def act(person: PersonView) -> str:
        data = form.cleaned_data
        approve = request.POST.get("decision") == "approve"
        made = sharing.decide_contract(person, contract_id, approve=approve, until=data["until"], note=data["note"])
        return _("Approved.") if not made.state.is_over else _("Refused.")

    return _act(request, contract_id, form, act)


@requires(Right.SHARE_DATA)
@require_POST
def end(request: HttpRequest, contract_id: int) -> HttpResponse:
    """End a contract at once, for whichever side the person acts."""
    form = NoteForm(request.POST, auto_id="id_noteform_%s")

    def act(person: PersonView) -> str:
        sharing.end_own_contract(person, contract_id, note=form.cleaned_data["note"])
        return _("The contract has ended; nothing can be read by it any more.")

    return _act(request, contract_id, form, act)


@requires(Right.SHARE_DATA)
@require_POST
def issue_token(request: HttpRequest, contract_id: int) -> HttpResponse:
    """Make a token for a machine; it is shown this once."""
    form = TokenForm(request.POST, auto_id="id_tokenform_%s")
    return _reveal(
        request,
        contract_id,
        form,
        lambda who: sharing.issue_own_token(who, contract_id, name=form.cleaned_data["name"]),
    )


@requires(Right.SHARE_DATA)
@require_POST
def revoke_token(request: HttpRequest, contract_id: int, token_id: int) -> HttpResponse:
    """End a token."""

    def act(person: PersonView) -> str:
        sharing.revoke_own_token(person, contract_id, token_id)
        return _("The token is revoked; it is refused within two seconds.")

    return _act(request, contract_id, HouseForm(request.POST), act)


@requires(Right.SHARE_DATA)
@require_POST
def subscribe(request: HttpRequest, contract_id: int) -> HttpResponse:
    """Make a webhook; its key is shown this once."""
    form = WebhookForm(request.POST, auto_id="id_webhookform_%s")
    return _reveal(
        request, contract_id, form, lambda who: sharing.subscribe(who, contract_id, url=form.cleaned_data["url"])[1]
    )


@requires(Right.SHARE_DATA)
@require_POST
def change_webhook(request: HttpRequest, contract_id: int, subscription_id: int) -> HttpResponse:
    """Stop a webhook, or give it another key, shown this once."""
    if request.POST.get("step") == "key":
        return _reveal(
            request,
            contract_id,
            HouseForm(request.POST),
            lambda who: sharing.renew_key(who, contract_id, subscription_id),
        )

    def act(person: PersonView) -> str:
        sharing.stop_webhook(person, contract_id, subscription_id)
        return _("The webhook is stopped.")

    return _act(request, contract_id, HouseForm(request.POST), act)


@requires(Right.SHARE_DATA)
@require_POST
def redeliver(request: HttpRequest, contract_id: int, letter_id: int) -> HttpResponse:
    """Let a dead letter be delivered again."""

    def act(person: PersonView) -> str:
        sharing.redeliver(person, contract_id, letter_id)
        return _("It will be delivered again in a moment.")

    return _act(request, contract_id, HouseForm(request.POST), act)


def _act(request: HttpRequest, contract_id: int, form: HouseForm, act: Callable[[PersonView], str]) -> HttpResponse:
    """Do something to a contract of the person's and come back to its page; what is refused is said there."""
    person = person_of(request)
    found = sharing.contract_for(person, contract_id)
    if not form.is_valid():
        return _contract_page(request, found, bound=form, status=REFUSED)
    try:
        said = act(person)
    except registry.AccessDeniedError:
        raise
    except CityloopError as error:
        _blame(form, error)
        messages.error(request, sentence_of(error))
        return _contract_page(request, sharing.contract_for(person, contract_id), bound=form, status=error.status)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("convey:contract", args=[contract_id]))


def _reveal(request: HttpRequest, contract_id: int, form: HouseForm, make: Callable[[PersonView], str]) -> HttpResponse:
    """Make a secret and show it once, on a page nobody keeps."""
    person = person_of(request)
    found = sharing.contract_for(person, contract_id)
    if not form.is_valid():
        return _contract_page(request, found, bound=form, status=REFUSED)
    try:
        secret = make(person)
    except registry.AccessDeniedError:
        raise
    except CityloopError as error:
        _blame(form, error)
        return _contract_page(request, found, bound=form, status=error.status)
    return _contract_page(request, found, shown=secret)
