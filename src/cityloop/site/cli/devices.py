"""`cityloop devices`: the device ledger: lists taken in, one device shown, keys issued and revoked."""

import argparse
import os
import sys
from datetime import UTC, datetime
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cityloop.site.django_ready import set_up
from cityloop.site.language import spoken

REFUSALS_TOLD_MAX = 20
"""How many refused rows the terminal shows; the report file has all."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command and its acts."""
    parser = subparsers.add_parser("devices", help=_("the device ledger: take lists in, show a device, issue its key"))
    acts = parser.add_subparsers(dest="act", required=True, metavar=_("act"))
    taking = acts.add_parser("import", help=_("take in a list of devices (CSV)"))
    taking.add_argument("file", type=Path, help=_("the list"))
    taking.add_argument(
        "--keys", type=Path, help=_("where to write the keys; else FILE.keys.csv, readable by you only")
    )
    taking.add_argument("--report", type=Path, help=_("where to write what became of each row; else FILE.report.csv"))
    taking.add_argument("--all-or-none", action="store_true", help=_("make nothing where anything is wrong"))
    for name, about in (
        ("show", _("show a device")),
        ("key", _("issue a key for a device; it is shown this once")),
        ("revoke", _("revoke all keys of a device, at once")),
    ):
        acts.add_parser(name, help=about).add_argument("code", help=_("code of the device"))


def run(arguments: argparse.Namespace) -> int:
    """Do what is asked; 1 where rows of a list were refused."""
    set_up()
    if arguments.act == "import":
        return _import(arguments)
    return {"show": _show, "key": _key, "revoke": _revoke}[arguments.act](arguments.code)


def _import(arguments: argparse.Namespace) -> int:
    from cityloop.convey.facade import devices  # noqa: PLC0415  Django is set up first

    console = Console(stderr=True, highlight=False)
    file: Path = arguments.file
    with _bar(console) as bar:
        task = bar.add_task(_("devices"), total=None)
        done = devices.import_devices(
            file.read_bytes(),
            file=file.name,
            now=datetime.now(UTC),
            all_or_none=arguments.all_or_none,
            progress=lambda number, of: bar.update(task, completed=number, total=max(of, 1)),
        )
    keys = [["code", "key"], *([one.code, one.key] for one in done.made)]
    if done.made:
        _write(arguments.keys or file.with_suffix(".keys.csv"), devices.written_sheet(keys))
    _write(arguments.report or file.with_suffix(".report.csv"), _report(devices.import_of(done.import_id)))
    console.print(
        ngettext("%(number)s device was made.", "%(number)s devices were made.", len(done.made))
        % {"number": len(done.made)}
    )
    for one in done.refusals[:REFUSALS_TOLD_MAX]:
        console.print(f"{one.line}: {one.code} {one.column}: {one.reason.in_language(spoken())}", markup=False)
    if done.refusals:
        number = len(done.refusals)
        console.print(
            ngettext("%(number)s row was refused.", "%(number)s rows were refused.", number) % {"number": number}
        )
    return 1 if done.refusals else 0


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console)


def _report(view: Any) -> bytes:
    from cityloop.convey.facade import devices  # noqa: PLC0415  Django is set up first

    rows = [
        [
            str(row.line),
            row.code,
            _("made") if row.made else _("refused"),
            row.column,
            row.reason.in_language(spoken()) if row.reason else "",
        ]
        for row in view.rows
    ]
    return devices.written_sheet([[_("line"), _("code"), _("result"), _("column"), _("reason")], *rows])


def _write(file: Path, data: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(data)
    sys.stderr.write(f"{file}\n")


def _show(code: str) -> int:
    from cityloop.convey.facade import devices  # noqa: PLC0415  Django is set up first

    found, language = devices.device(code), spoken()
    heard = found.last_heard_at.isoformat() if found.last_heard_at else "–"
    told = [
        f"{found.code}  {found.title.in_language(language)}",
        f"{found.state.words.in_language(language)}  {found.state_since.isoformat()}  {found.state_reason}",
        f"{found.organisation}  {found.area}  {found.protocol} {found.address}".rstrip(),
        f"{_('last heard')}: {heard}",
        *(f"{channel.name} -> Datastreams({channel.datastream_id})" for channel in devices.channels_of(found)),
    ]
    sys.stdout.writelines(f"{line}\n" for line in told)
    return 0


def _key(code: str) -> int:
    from cityloop.convey.facade import devices  # noqa: PLC0415  Django is set up first

    sys.stdout.write(devices.issue_key_as_operator(code, now=datetime.now(UTC)) + "\n")
    return 0


def _revoke(code: str) -> int:
    from cityloop.convey.facade import devices  # noqa: PLC0415  Django is set up first

    number = devices.revoke_keys_as_operator(code)
    sys.stdout.write(
        ngettext("%(number)s key was revoked.", "%(number)s keys were revoked.", number) % {"number": number}
    )
    sys.stdout.write("\n")
    return 0
