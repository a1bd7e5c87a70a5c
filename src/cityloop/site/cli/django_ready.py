"""Kept until all callers name `cityloop.site.django_ready`."""

from cityloop.site.django_ready import set_up

__all__ = ["set_up"]
