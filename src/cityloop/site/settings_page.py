"""The reference page of all settings, made from the configuration itself."""

from dataclasses import fields

from cityloop.site.configuration import Configuration

MADE = "<!-- made by `cityloop settings --page` -->\n"

_HEAD = """# Settings

Each setting is read from the environment (`CITYLOOP_` and its name in capitals), else from the TOML file
`cityloop.toml` in the data folder (or the file that `CITYLOOP_CONFIG` names; there the name is in small letters), else
it has its default. A name that does not exist is refused. `cityloop settings` shows the values in force; secrets are
not shown.

| setting | default | meaning |
|---|---|---|
"""


def settings_page() -> str:
    """Return the page in Markdown."""
    rows = [
        f"| `CITYLOOP_{field.name.upper()}` | {_code(field.default)} | {field.metadata['about']} |\n"
        for field in fields(Configuration)
    ]
    return MADE + "\n" + _HEAD + "".join(rows)


def _code(value: object) -> str:
    return f"`{value}`" if str(value) else "empty"
