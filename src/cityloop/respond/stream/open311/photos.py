"""Photos of reports: known by their bytes, decoded and written anew, so that nothing but the picture is left."""

import asyncio
import io
import os
import re
import secrets
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps, UnidentifiedImageError

from cityloop.respond.rules.matters import Place
from cityloop.respond.stream.open311.errors import ComeAgainSoonError, FieldError

PIXELS_MAX = 50_000_000
"""Largest photo, pixels; a phone of today makes 12 to 50 million."""

SIDE_MAX = 2048
"""Longest side of what is kept, pixels."""

QUALITY = 85
"""Of the JPEG that is kept, 1-95."""

AT_ONCE_MAX = 2
"""Photos that are decoded at once in a process."""

WAITING_MAX = 20
"""Photos that wait for that; beyond them the sender is told to come again."""

_FORMATS = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG", b"RIFF": "WEBP"}
_GPS_BLOCK, _LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE = 0x8825, 1, 2, 3, 4
_NAME = re.compile(r"[0-9a-f]{32}\.jpg", re.ASCII)
_BROKEN = (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError, EOFError)


class Photos:
    """Keeps photos below a folder.

    Args:
        folder: where; made when the first photo comes.
    """

    def __init__(self, folder: Path) -> None:
        """Take the folder."""
        self._folder = folder
        self._decoding = asyncio.Semaphore(AT_ONCE_MAX)
        self._waiting = 0

    async def keep(self, raw: bytes) -> tuple[str, Place | None]:
        """Keep a photo and return its name and the position it carried, None where it carried none.

        Raises:
            FieldError: if it is no photo that can be read.
            ComeAgainSoonError: if too many wait, or the disk does not take it.
        """
        if self._waiting >= WAITING_MAX:
            raise ComeAgainSoonError
        self._waiting += 1
        try:
            async with self._decoding:
                clean, place = await asyncio.to_thread(cleaned, raw)
                name = f"{secrets.token_hex(16)}.jpg"
                await asyncio.to_thread(self._write, name, clean)
        except OSError as error:
            raise ComeAgainSoonError from error
        finally:
            self._waiting -= 1
        return name, place

    async def read(self, name: str) -> bytes | None:
        """Return a photo, None where there is none of this name."""
        if not _NAME.fullmatch(name):
            return None
        try:
            return await asyncio.to_thread(self._file(name).read_bytes)
        except FileNotFoundError:
            return None

    def _file(self, name: str) -> Path:
        return self._folder / name[:2] / name

    def _write(self, name: str, body: bytes) -> None:
        file = self._file(name)
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(file.with_suffix(".part"), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(body)
            out.flush()
            os.fsync(out.fileno())
        file.with_suffix(".part").replace(file)


def cleaned(raw: bytes) -> tuple[bytes, Place | None]:
    """Return a photo as a JPEG of its picture alone, upright, and the position it carried.

    Raises:
        FieldError: if it is no photo that can be read.
    """
    kind = next((kind for mark, kind in _FORMATS.items() if raw.startswith(mark)), "")
    if not kind:
        raise FieldError(name="media", reason="a JPEG, PNG or WebP photo is meant")
    try:
        with Image.open(io.BytesIO(raw), formats=[kind]) as picture:
            if picture.width * picture.height > PIXELS_MAX:
                raise FieldError(name="media", reason="the photo has too many pixels")
            place = _position(picture)
            picture.draft("RGB", (SIDE_MAX, SIDE_MAX))
            upright = ImageOps.exif_transpose(picture).convert("RGB")
            upright.thumbnail((SIDE_MAX, SIDE_MAX))
            plain = Image.new("RGB", upright.size)
            plain.paste(upright)
            out = io.BytesIO()
            plain.save(out, "JPEG", quality=QUALITY)
    except _BROKEN as error:
        raise FieldError(name="media", reason="the photo cannot be read") from error
    return out.getvalue(), place


def _position(picture: Image.Image) -> Place | None:
    block: dict[int, Any] = picture.getexif().get_ifd(_GPS_BLOCK)
    try:
        latitude = _degrees(block[_LATITUDE]) * (-1 if str(block[_LATITUDE_REF]).startswith("S") else 1)
        longitude = _degrees(block[_LONGITUDE]) * (-1 if str(block[_LONGITUDE_REF]).startswith("W") else 1)
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    is_place = abs(latitude) <= 90 and abs(longitude) <= 180 and (latitude, longitude) != (0.0, 0.0)  # noqa: PLR2004
    return Place(longitude, latitude) if is_place else None


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    return degrees + minutes / 60 + seconds / 3600
