"""Addresses of the registry."""

from django.urls import path

from cityloop.registry.views import account, audit, people, tokens

app_name = "registry"

urlpatterns = [
    path("login/", account.sign_in, name="login"),
    path("logout/", account.sign_out, name="logout"),
    path("language/", account.choose_language, name="language"),
    path("password/", account.own_password, name="password"),
    path("people/", people.people, name="people"),
    path("people/new/", people.new_person, name="person_new"),
    path("people/<int:person_id>/", people.person, name="person"),
    path("people/<int:person_id>/posts/<int:post_id>/end/", people.end_post, name="post_end"),
    path("people/<int:person_id>/password/", people.reset_password, name="person_password"),
    path("people/<int:person_id>/active/", people.set_active, name="person_active"),
    path("tokens/", tokens.tokens, name="tokens"),
    path("tokens/<int:token_id>/revoke/", tokens.revoke, name="token_revoke"),
    path("audit/", audit.audit, name="audit"),
]
