"""Backup and restore of a whole city: database, waiting messages, secrets, settings and the operator's own files."""

from cityloop.site.backup.making import make_backup
from cityloop.site.backup.manifest import Manifest, TableSum, read_manifest
from cityloop.site.backup.restoring import restore_backup

__all__ = ["Manifest", "TableSum", "make_backup", "read_manifest", "restore_backup"]
