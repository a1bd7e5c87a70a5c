"""A sheet of A4 paper with a head, a foot, tables and shapes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import TextMode, XPos, YPos
from pylopdf_fonts_zh_cn import sans_path

from cityloop.kernel.levels import Level

FONT = "NotoSansSC"
"""Noto Sans SC, SIL OFL 1.1; only the characters that are used are embedded."""

MARGIN_MM = 12.0
WIDTH_MM = 210.0 - 2 * MARGIN_MM
LINE_MM = 4.1
PAD_MM = 0.8
SIZE_PT, SMALL_PT, HEADING_PT, TITLE_PT = 8.0, 7.0, 11.0, 17.0
SIZE_PT_MIN = 5.0
"""Below this nobody reads a printed number, points."""

GREY, WHITE = 232, 255
"""Shades of a filled cell, 0 black to 255 white."""

_SIDES = {Level.RED: 8, Level.ORANGE: 4, Level.YELLOW: 3}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        title: its heading.
        share: its part of the width; the shares are weighed against each other.
        align: `L`, `R` or `C`.
    """

    title: str
    share: float
    align: str = "R"


class Sheet(FPDF):
    """A4 paper, upright, written upon from top to bottom."""

    def __init__(self, *, title: str, language: str, made_by: str, made_at: datetime, footer: str) -> None:
        """Prepare an empty document.

        Args:
            title: of the document.
            language: `zh-Hans` or `en`.
            made_by: its author.
            made_at: when it was made.
            footer: what stands at the foot of every page beside the page's number.
        """
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._footer = footer
        self.add_font(FONT, "", str(sans_path()))
        self.set_margins(MARGIN_MM, MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(auto=True, margin=16.0)
        self.set_title(title)
        self.set_lang(language)
        self.set_author(made_by)
        self.set_creator("Cityloop")
        self.set_creation_date(made_at)
        self.add_page()

    def footer(self) -> None:
        """Write the foot of a page; the library calls it."""
        self.set_y(-12.0)
        self.set_font(FONT, size=SMALL_PT)
        places = {"page": self.page_no(), "pages": self.str_alias_nb_pages}
        page = _("page %(page)s of %(pages)s") % places
        self.cell(WIDTH_MM * 0.8, 4.0, self._footer)
        self.cell(WIDTH_MM * 0.2, 4.0, page, align="R")

    def write_title(self, text: str, beneath: str) -> None:
        """Write the document's head."""
        with self.local_context(text_mode=TextMode.FILL_STROKE, line_width=0.25):
            self.set_font(FONT, size=TITLE_PT)
            self.cell(0, 9.0, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.say(beneath)
        self.set_line_width(0.5)
        self.line(MARGIN_MM, self.get_y() + 1.0, MARGIN_MM + WIDTH_MM, self.get_y() + 1.0)
        self.ln(3.0)

    def write_heading(self, text: str, *, room_mm: float = 30.0) -> None:
        """Write a heading, on the next page where less than `room_mm` is left below it."""
        if self.will_page_break(room_mm):
            self.add_page()
        self.ln(1.5)
        with self.local_context(text_mode=TextMode.FILL_STROKE, line_width=0.12):
            self.set_font(FONT, size=HEADING_PT)
            self.cell(0, 6.5, text, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def say(self, text: str, *, size_pt: float = SIZE_PT) -> None:
        """Write a paragraph."""
        self.set_font(FONT, size=size_pt)
        self.multi_cell(0, LINE_MM, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def write_table(self, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
        """Write a table; a cell's text may have several lines, each made smaller where it is too wide."""
        whole = sum(column.share for column in columns)
        widths = [WIDTH_MM * column.share / whole for column in columns]
        head = [self._broken(column.title, width) for column, width in zip(columns, widths, strict=True)]
        self._row(columns, widths, head, shade=GREY)
        for row in rows:
            cells = [cell.split("\n") for cell in row]
            if self.will_page_break(self._height(cells)):
                self.add_page()
                self._row(columns, widths, head, shade=GREY)
            self._row(columns, widths, cells, shade=WHITE)
        self.ln(1.5)

    def draw_level(self, level: Level, x: float, y: float, radius_mm: float) -> None:
        """Draw a level's shape with its grade: octagon, diamond, triangle, disc; told without colour."""
        self.set_line_width(0.3)
        if sides := _SIDES.get(level):
            self.polygon(_corners(sides, x, y, radius_mm), style="D")
        else:
            self.circle(x=x, y=y, radius=radius_mm, style="D")
        self.set_font(FONT, size=radius_mm * 2.4)
        width = self.get_string_width(level.roman)
        self.text(x - width / 2, y + radius_mm * 0.32, level.roman)

    def _broken(self, text: str, width: float) -> list[str]:
        self.set_font(FONT, size=SMALL_PT)
        lines = self.multi_cell(width - 0.5, LINE_MM, text, dry_run=True, output="LINES")
        return [str(line).strip() for line in lines]

    def _height(self, cells: Sequence[Sequence[str]]) -> float:
        return max(len(lines) for lines in cells) * LINE_MM + 2 * PAD_MM

    def _row(
        self, columns: Sequence[Column], widths: Sequence[float], cells: Sequence[Sequence[str]], *, shade: int
    ) -> None:
        height, left, top = self._height(cells), MARGIN_MM, self.get_y()
        self.set_line_width(0.15)
        self.set_fill_color(shade)
        for column, width, lines in zip(columns, widths, cells, strict=True):
            self.rect(left, top, width, height, style="DF")
            for number, line in enumerate(lines):
                self.set_xy(left, top + PAD_MM + number * LINE_MM)
                self._fit(line, width)
                self.cell(width, LINE_MM, line, align=column.align)
            left += width
        self.set_xy(MARGIN_MM, top + height)

    def _fit(self, text: str, width: float) -> None:
        """Choose the largest size at which a text fits a width."""
        size = SIZE_PT
        self.set_font(FONT, size=size)
        while size > SIZE_PT_MIN and self.get_string_width(text) > width - 2 * self.c_margin:
            size -= 0.25
            self.set_font(FONT, size=size)


def _corners(sides: int, x: float, y: float, radius_mm: float) -> list[tuple[float, float]]:
    """Return the corners of a regular polygon: a corner above, but an octagon lies on its side."""
    begins = math.pi / 2 + (math.pi / sides if sides == _SIDES[Level.RED] else 0.0)
    angles = (begins + 2 * math.pi * number / sides for number in range(sides))
    return [(x + radius_mm * math.cos(angle), y - radius_mm * math.sin(angle)) for angle in angles]
