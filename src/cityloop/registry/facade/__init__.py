"""The door of the registry."""

from cityloop.kernel.areas import AreaCode
from cityloop.registry.facade.access import (
    AccessDeniedError,
    keep_denial,
    may,
    note_change,
    note_operation,
    note_read,
    reach_of,
    require,
)
from cityloop.registry.facade.accounts import (
    OwnPostsError,
    add_person,
    add_post,
    change_own_password,
    confirm_person,
    end_post,
    log_in,
    log_out,
    remember_language,
    reset_password,
    set_active,
)
from cityloop.registry.facade.gates import (
    PASSWORD_PATH,
    address_of,
    person_of,
    personal,
    problem_page,
    public,
    requires,
    sentence_of,
)
from cityloop.registry.facade.keys import issue_machine_token, revoke_machine_token
from cityloop.registry.facade.machines import machine_of
from cityloop.registry.facade.wording import HouseForm, in_words
from cityloop.registry.rules.access import DutiesMustStaySeparateError, Post
from cityloop.registry.rules.bodies import OrganisationKind, responsible_body
from cityloop.registry.rules.outcomes import Outcome
from cityloop.registry.rules.roles import ROLES, Right, Role
from cityloop.registry.selectors.areas import (
    AreaView,
    area,
    area_name,
    area_names,
    areas_below,
    calendar_span,
    district_at,
    district_shapes,
    districts,
    is_workday,
    workdays,
)
from cityloop.registry.selectors.audit import (
    AUDIT_PAGE_ROWS,
    AuditView,
    TokenView,
    audit_entries,
    tokens,
    tokens_of_thing,
)
from cityloop.registry.selectors.machines import may_token_read
from cityloop.registry.selectors.organisations import (
    OrganisationView,
    organisation,
    organisation_name,
    organisations,
)
from cityloop.registry.selectors.people import (
    VISITOR,
    PersonView,
    actor_name,
    actor_names,
    all_posts_of,
    people,
    people_with,
    person,
    today,
)
from cityloop.registry.services.demo import DEMO_PEOPLE, DemoPerson, ensure_demo_people
from cityloop.registry.services.device_tokens import (
    SUSPENDED,
    DeviceKeyOrder,
    issue_device_keys,
    replace_device_key,
    resume_device_keys,
    suspend_device_keys,
)
from cityloop.registry.services.logins import LockedOutError, LoginFailedError
from cityloop.registry.services.people import AccountTakenError, PasswordRefusedError, WrongPasswordError
from cityloop.registry.services.seeding import Seeded, load_calendar, seed
from cityloop.registry.services.tokens import (
    end_grant,
    ensure_token,
    grant,
    issue_token,
    revoke_token,
    revoke_tokens_of_thing,
)


def body_responsible(area: AreaCode, case_kind_organisation: str = "") -> str:
    """Return the code of the organisation that handles a matter.

    Args:
        area: where the matter lies.
        case_kind_organisation: whom the item library names, empty where nobody: then the territory catches.
    """
    return responsible_body(area, case_kind_organisation)


__all__ = [
    "AUDIT_PAGE_ROWS",
    "DEMO_PEOPLE",
    "PASSWORD_PATH",
    "ROLES",
    "SUSPENDED",
    "VISITOR",
    "AccessDeniedError",
    "AccountTakenError",
    "AreaView",
    "AuditView",
    "DemoPerson",
    "DeviceKeyOrder",
    "DutiesMustStaySeparateError",
    "HouseForm",
    "LockedOutError",
    "LoginFailedError",
    "OrganisationKind",
    "OrganisationView",
    "Outcome",
    "OwnPostsError",
    "PasswordRefusedError",
    "PersonView",
    "Post",
    "Right",
    "Role",
    "Seeded",
    "TokenView",
    "WrongPasswordError",
    "actor_name",
    "actor_names",
    "add_person",
    "add_post",
    "address_of",
    "all_posts_of",
    "area",
    "area_name",
    "area_names",
    "areas_below",
    "audit_entries",
    "body_responsible",
    "calendar_span",
    "change_own_password",
    "confirm_person",
    "district_at",
    "district_shapes",
    "districts",
    "end_grant",
    "end_post",
    "ensure_demo_people",
    "ensure_token",
    "grant",
    "in_words",
    "is_workday",
    "issue_device_keys",
    "issue_machine_token",
    "issue_token",
    "keep_denial",
    "load_calendar",
    "log_in",
    "log_out",
    "machine_of",
    "may",
    "may_token_read",
    "note_change",
    "note_operation",
    "note_read",
    "organisation",
    "organisation_name",
    "organisations",
    "people",
    "people_with",
    "person",
    "person_of",
    "personal",
    "problem_page",
    "public",
    "reach_of",
    "remember_language",
    "replace_device_key",
    "require",
    "requires",
    "reset_password",
    "resume_device_keys",
    "revoke_machine_token",
    "revoke_token",
    "revoke_tokens_of_thing",
    "seed",
    "sentence_of",
    "set_active",
    "suspend_device_keys",
    "today",
    "tokens",
    "tokens_of_thing",
    "workdays",
]
