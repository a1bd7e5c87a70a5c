"""`cityloop catalogue`: the catalogue of data sets as DCAT, out and in."""

import argparse
import sys
from gettext import gettext as _
from pathlib import Path

from rich.console import Console

from cityloop.kernel.errors import NotFoundError
from cityloop.site.configuration import configuration
from cityloop.site.django_ready import set_up
from cityloop.site.language import words


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "catalogue", help=_("the catalogue of data sets: read another one in, or write ours")
    )
    steps = parser.add_subparsers(dest="step", required=True, metavar=_("STEP"))
    taking = steps.add_parser("import", help=_("keep the data sets of another catalogue's DCAT as external entries"))
    taking.add_argument("file", type=Path, metavar=_("FILE"), help=_("Turtle, JSON-LD or RDF/XML"))
    giving = steps.add_parser("export", help=_("write our catalogue as DCAT 3"))
    giving.add_argument("--form", choices=("ttl", "jsonld"), default="ttl", help=_("Turtle or JSON-LD"))
    giving.add_argument("--open", action="store_true", help=_("only data sets that are open to everybody"))


def run(arguments: argparse.Namespace) -> int:
    """Do what was asked; 1 where parts of a catalogue could not be taken.

    Raises:
        NotFoundError: if there is no such file.
        CatalogueUnreadableError: if it is no catalogue that can be read; nothing is changed then.
    """
    set_up()
    return _import(arguments.file) if arguments.step == "import" else _export(arguments)


def _import(file: Path) -> int:
    from cityloop.convey.facade import sharing  # noqa: PLC0415  Django is set up first

    if not file.is_file():
        raise NotFoundError(what=str(file))
    report = sharing.import_catalogue(file.read_bytes(), kind=file.suffix.lower().lstrip("."), source=file.name)
    console = Console(highlight=False)
    console.print(
        _("%(source)s: %(added)s new, %(renewed)s known, %(gone)s gone, %(left)s left out")
        % {
            "source": report.source,
            "added": report.added,
            "renewed": report.renewed,
            "gone": report.gone,
            "left": len(report.left),
        },
        markup=False,
    )
    for name, reason in report.left:
        console.print(f"  {name}: {words(reason)}", markup=False)
    return 1 if report.left else 0


def _export(arguments: argparse.Namespace) -> int:
    from cityloop.convey.facade import sharing  # noqa: PLC0415  Django is set up first

    city = configuration()
    base = city.public_url.rstrip("/") or f"http://{city.host}:{city.port}"
    site = sharing.site_at(base, mqtt=f"mqtt://{city.host}:{city.mqtt_port}")
    document, _kind = sharing.dcat_document(arguments.form, site=site, only_open=arguments.open)
    sys.stdout.write(document.decode())
    return 0
