"""Makes the compact tables the registry ships from the open sets they come from.

    python tools/make_registry_data.py ../shared/data src/cityloop/registry/data

Needs `pypinyin` (MIT), at this moment only: the Latin readings of streets and communities are kept in the table.
Sources and licences are named in NOTICE. Running it twice gives the same bytes.
"""

import csv
import gzip
import io
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from pypinyin import Style, lazy_pinyin, load_phrases_dict

DECIMALS = 5
"""Digits of a degree kept after the point; 0.00001 degree is about one metre."""

READINGS = {
    "大栅栏": [["da"], ["shi"], ["lan"]],
    "什刹海": [["shi"], ["cha"], ["hai"]],
    "长辛店": [["chang"], ["xin"], ["dian"]],
    "长阳": [["chang"], ["yang"]],
    "长沟": [["chang"], ["gou"]],
    "长陵": [["chang"], ["ling"]],
    "长哨营": [["chang"], ["shao"], ["ying"]],
    "劲松": [["jin"], ["song"]],
    "马家堡": [["ma"], ["jia"], ["pu"]],
    "朝阳": [["chao"], ["yang"]],
    "朝外": [["chao"], ["wai"]],
    "朝阳门": [["chao"], ["yang"], ["men"]],
    "王佐": [["wang"], ["zuo"]],
    "潞城": [["lu"], ["cheng"]],
    "漷县": [["huo"], ["xian"]],
    "于家务": [["yu"], ["jia"], ["wu"]],
    "十渡": [["shi"], ["du"]],
    "佛子庄": [["fo"], ["zi"], ["zhuang"]],
    "行宫": [["xing"], ["gong"]],
    "六里屯": [["liu"], ["li"], ["tun"]],
    "和平里": [["he"], ["ping"], ["li"]],
    "车公庄": [["che"], ["gong"], ["zhuang"]],
    "德胜": [["de"], ["sheng"]],
    "广渠门": [["guang"], ["qu"], ["men"]],
    "东小口": [["dong"], ["xiao"], ["kou"]],
    "庞各庄": [["pang"], ["ge"], ["zhuang"]],
    "礼贤": [["li"], ["xian"]],
    "大兴": [["da"], ["xing"]],
    "北七家": [["bei"], ["qi"], ["jia"]],
    "大屯": [["da"], ["tun"]],
    "曲": [["qu"]],
}
"""Readings of Beijing's places that a general dictionary gets wrong or may get wrong, without tones."""

WHOLE_NAMES = {
    "北京经济技术开发区": "Beijing Economic and Technological Development Area",
    "中关村国家自主创新示范区大兴生物医药产业基地": "Zhongguancun Demonstration Zone, Daxing Biomedicine Base",
    "北京雁栖经济开发区": "Beijing Yanqi Economic Development Area",
    "中关村科技园区密云园": "Zhongguancun Science Park, Miyun Park",
}
"""Names that are descriptions rather than names."""

ENDINGS = (
    ("社区居民委员会", "Community"),
    ("社区居委会", "Community"),
    ("社区村委会", "Community Village"),
    ("村村民委员会", "Village"),
    ("村民委员会", "Village"),
    ("村村委会", "Village"),
    ("村委会", "Village"),
    ("居民委员会", "Community"),
    ("居委会", "Community"),
    ("社区生活区", "Community Quarter"),
    ("生活区", "Quarter"),
    ("社区", "Community"),
    ("虚拟社区", "Virtual Community"),
    ("经济技术开发区", "Economic and Technological Development Area"),
    ("经济开发区", "Economic Development Area"),
    ("产业基地", "Industry Base"),
    ("国际机场", "International Airport"),
    ("回族乡", "Hui Township"),
    ("满族乡", "Manchu Township"),
    ("街道", "Subdistrict"),
    ("地区", "Area"),
    ("镇", "Town"),
    ("乡", "Township"),
    ("村", "Village"),
    ("园", "Park"),
)
"""What a name ends in, longest first, and how that is said in English."""


def english(name: str) -> str:
    """Return a place's name in Latin letters: the proper part read, the kind of place said in English."""
    if name in WHOLE_NAMES:
        return WHOLE_NAMES[name]
    for ending, word in sorted(ENDINGS, key=lambda pair: -len(pair[0])):
        if name.endswith(ending) and len(name) > len(ending):
            return f"{reading(name[: -len(ending)])} {word}"
    return reading(name)


def reading(name: str) -> str:
    """Return a proper name in pinyin, one word, digits kept."""
    parts = lazy_pinyin(name, style=Style.NORMAL, v_to_u=True, errors=lambda text: [text])
    joined = ""
    for part in parts:
        vowel = part[:1] in "aoe" and joined[-1:].isalpha()
        joined += f"'{part}" if vowel else part
    return joined[:1].upper() + joined[1:]


def rows_of(file: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file."""
    with file.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def area_rows(geo: Path, features: list[dict[str, Any]]) -> Iterator[list[Any]]:
    """Yield city, districts, streets and communities as rows of the shipped table."""
    yield ["110000", "北京市", "Beijing", "", 116.4074, 39.9042]
    for feature in features:
        own = feature["properties"]
        yield [own["code"], own["name"], own["name_en"], "", *own["label_point"]]
    for row in rows_of(geo / "streets.csv"):
        yield [row["code"], row["name"], english(row["name"]), row["kind"], "", ""]
    for row in rows_of(geo / "communities.csv"):
        kind = "村" if "村" in row["name"][-5:] else "社区"
        yield [row["code"], row["name"], english(row["name"]), kind, "", ""]


def rounded(value: Any) -> Any:
    """Return nested coordinates with `DECIMALS` digits."""
    return round(value, DECIMALS) if isinstance(value, float) else [rounded(item) for item in value]


def outlines(features: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the districts' outlines, only what the product reads."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {name: feature["properties"][name] for name in ("code", "area_km2")},
                "geometry": {
                    "type": feature["geometry"]["type"],
                    "coordinates": rounded(feature["geometry"]["coordinates"]),
                },
            }
            for feature in features
        ],
    }


def write(file: Path, text: str) -> None:
    """Write a text compressed, with no time in it, so that the same content is the same file."""
    with file.open("wb") as raw, gzip.GzipFile(fileobj=raw, mode="wb", mtime=0, filename="", compresslevel=9) as packed:
        packed.write(text.encode())


def table(header: list[str], rows: Iterable[list[Any]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def day_rows(file: Path) -> Iterator[list[str]]:
    """Yield the working calendar without its lunar columns, which were made under another licence."""
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            yield [row["date"], row["is_workday"], row["holiday"], row["in_lieu"]]


def main(source: Path, target: Path) -> None:
    """Make the three tables."""
    load_phrases_dict(READINGS)
    target.mkdir(parents=True, exist_ok=True)
    geo = source / "beijing-geo"
    features = json.loads((geo / "districts_wgs84.geojson").read_text(encoding="utf-8"))["features"]
    header = ["code", "name_zh", "name_en", "kind", "longitude", "latitude"]
    write(target / "areas.csv.gz", table(header, area_rows(geo, features)))
    write(target / "districts.geojson.gz", json.dumps(outlines(features), separators=(",", ":")))
    days = day_rows(source / "china-calendar" / "china_days.csv.gz")
    write(target / "days.csv.gz", table(["date", "is_workday", "holiday", "in_lieu"], days))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
