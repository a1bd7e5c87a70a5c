"""What people fill in about the lifelines."""

from cityloop.projects.lifelines.forms.coordination import (
    LEVEL_CODES,
    DraftForm,
    ImportForm,
    ReductionForm,
    ReductionStepForm,
    RequestStepForm,
    TermForm,
    WishForm,
    revision_of,
)
from cityloop.projects.lifelines.forms.sheet import ReasonForm, TellForm, ThresholdForm

__all__ = [
    "LEVEL_CODES",
    "DraftForm",
    "ImportForm",
    "ReasonForm",
    "ReductionForm",
    "ReductionStepForm",
    "RequestStepForm",
    "TellForm",
    "TermForm",
    "ThresholdForm",
    "WishForm",
    "revision_of",
]
