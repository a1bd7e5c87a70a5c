"""Features of interest made from a thing's location, once, when the first observation needs one."""

from collections.abc import Sequence
from typing import Any

from psycopg import AsyncConnection

_PLACES = """
    SELECT d.id, l.id
    FROM sense_datastream d
    CROSS JOIN LATERAL (
        SELECT l.id FROM sense_thinglocation tl JOIN sense_location l ON l.id = tl.location_id
        WHERE tl.thing_id = d.thing_id
        ORDER BY l.encoding_type IN ('application/geo+json', 'application/vnd.geo+json') DESC, l.id LIMIT 1
    ) l
    WHERE d.id = ANY(%s)
"""
_LOCK = "SELECT id, feature_id FROM sense_location WHERE id = ANY(%s) ORDER BY id FOR UPDATE"
_MAKE = """
    WITH needed AS MATERIALIZED (
        SELECT l.*, nextval(pg_get_serial_sequence('sense_feature', 'id')) AS made
        FROM sense_location l WHERE l.id = ANY(%(locations)s) AND l.feature_id IS NULL
    ), features AS (
        INSERT INTO sense_feature
            (id, name, description, encoding_type, feature, properties, west, south, east, north)
        SELECT made, name, description, encoding_type, location, properties, west, south, east, north FROM needed
    )
    UPDATE sense_location l SET feature_id = needed.made FROM needed WHERE l.id = needed.id
    RETURNING l.id, l.feature_id
"""
_REMEMBER = """
    UPDATE sense_latest SET feature_id = given.feature
    FROM unnest(%s::bigint[], %s::bigint[]) AS given (datastream, feature)
    WHERE datastream_id = given.datastream
"""
_AREA = """
    UPDATE sense_datastream d SET observed_area = CASE WHEN f.feature->>'type' = 'Feature'
        THEN f.feature->'geometry' ELSE f.feature END
    FROM unnest(%s::bigint[], %s::bigint[]) AS given (datastream, feature)
    JOIN sense_feature f ON f.id = given.feature AND f.west IS NOT NULL
    WHERE d.id = given.datastream AND d.observed_area IS NULL
"""


async def make_features(connection: AsyncConnection[Any], datastream_ids: Sequence[int]) -> dict[int, int]:
    """Return the feature of each datastream, made from its thing's location where the location has none yet.

    The features are remembered with the locations and in `sense_latest`, whose rows the caller holds locked.

    Args:
        connection: within a transaction.
        datastream_ids: streams whose `sense_latest.feature_id` is NULL.

    Returns:
        Feature id by datastream id; a datastream whose thing has no location is absent.
    """
    places: dict[int, int] = dict(await _pairs(connection, _PLACES, (list(datastream_ids),)))
    if not places:
        return {}
    locations = sorted(set(places.values()))
    features = {place: feature for place, feature in await _pairs(connection, _LOCK, (locations,)) if feature}
    if len(features) < len(locations):
        features.update(await _pairs(connection, _MAKE, {"locations": locations}))
    made = {stream: features[place] for stream, place in places.items() if place in features}
    columns = (list(made), list(made.values()))
    await connection.execute(_REMEMBER, columns)
    await connection.execute(_AREA, columns)
    return made


async def _pairs(connection: AsyncConnection[Any], statement: str, parameters: Any) -> list[tuple[int, int]]:
    return await (await connection.execute(statement, parameters)).fetchall()
