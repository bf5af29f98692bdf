"""Subjects that recordings name in the same minute: those nearest to one, and the graph around it, from kept counts.

Sums are of int, as in ``found``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from echoic.db.subjects.found import FoundSubject
from echoic.db.subjects.readable import Readable

DEPTH = 50
"""So many of a subject's nearest in each place are looked at first; of more where these do not settle it."""
LOOKED_AT = 4_000
"""Fewer are looked at first where there are many places: so many in all, or as many of each as are asked for."""
MOST_LOOKED_AT = 40_000
"""More than so many are not looked at: then what is among the nearest of no place is not among the nearest of all."""
BEYOND = 3
"""Halves of what is asked for: where the places are alike, half as many more settle it at the first look."""
CANDIDATES = 3
"""So many times what is asked for is summed exactly, those with the most minutes in the looked-at beginnings."""
DEEPER = 8
"""Each further look goes so many times as deep."""
NEAR_SECONDS = 60.0
"""Names in the same minute of a recording, counted from its start, are near each other."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Neighbor:
    """A subject that is named in the same minutes as another."""

    of: int
    """The id of the other."""
    id: int
    type: str
    name: str
    items: int
    """In so many items both are named in one minute."""
    minutes: int
    """So many minutes name both."""


# A neighbor that stands in none of the looked-at beginnings is near in at most ``bound`` minutes. Of those that stand in
# one, only those are summed that may be near in as many as the last that is asked for.
_NEAREST = text("""
    WITH beginnings AS MATERIALIZED (
        SELECT of_subject.id AS subject_id, place.id AS dataset_id, nearest.other_id, nearest.minutes
        FROM unnest(CAST(:subjects AS bigint[])) AS of_subject(id), unnest(CAST(:places AS bigint[])) AS place(id),
            LATERAL (
                SELECT other_id, minutes FROM subject_pairs
                WHERE subject_id = of_subject.id AND dataset_id = place.id ORDER BY minutes DESC LIMIT :depth
            ) AS nearest
    ), ends AS MATERIALIZED (
        SELECT subject_id, dataset_id, CASE WHEN count(*) < :depth THEN 0 ELSE min(minutes) END AS least
        FROM beginnings GROUP BY subject_id, dataset_id
    ), bounds AS MATERIALIZED (
        SELECT subject_id, sum(CAST(least AS int)) AS bound FROM ends GROUP BY subject_id
    ), partly AS MATERIALIZED (
        SELECT subject_id, other_id, sum(CAST(minutes AS int)) AS least,
            sum(CAST(minutes - ends.least AS int)) AS beyond,
            row_number() OVER (PARTITION BY subject_id ORDER BY sum(CAST(minutes AS int)) DESC) AS place
        FROM beginnings JOIN ends USING (subject_id, dataset_id) GROUP BY subject_id, other_id
    ), lasts AS (
        SELECT subject_id, least FROM partly WHERE place = :limit
    ), candidates AS MATERIALIZED (
        SELECT partly.subject_id, partly.other_id
        FROM partly JOIN bounds USING (subject_id) LEFT JOIN lasts USING (subject_id)
        WHERE partly.beyond + bounds.bound >= coalesce(lasts.least, 0) AND partly.place <= :candidates
    ), summed AS (
        SELECT candidates.subject_id, candidates.other_id, own.items, own.minutes
        FROM candidates CROSS JOIN LATERAL (
            SELECT sum(CAST(items AS int)) AS items, sum(CAST(minutes AS int)) AS minutes FROM subject_pairs
            WHERE subject_id = candidates.subject_id AND other_id = candidates.other_id
                AND dataset_id = ANY(CAST(:places AS bigint[]))
        ) AS own
    ), ranked AS (
        SELECT *, row_number() OVER (PARTITION BY subject_id ORDER BY minutes DESC, items DESC, other_id) AS place
        FROM summed
    )
    SELECT ranked.subject_id AS of, ranked.other_id AS id, counts.type, counts.name, ranked.items, ranked.minutes,
        bounds.bound
    FROM ranked JOIN bounds USING (subject_id) JOIN subject_counts AS counts
        ON counts.subject_id = ranked.other_id AND counts.dataset_id = (
            SELECT dataset_id FROM subject_counts
            WHERE subject_id = ranked.other_id AND dataset_id = ANY(CAST(:places AS bigint[]))
            ORDER BY mentions DESC, dataset_id LIMIT 1
        )
    WHERE ranked.place <= :limit
    ORDER BY array_position(CAST(:subjects AS bigint[]), ranked.subject_id), ranked.place
""")


async def find_neighbors(
    session: AsyncSession, subjects: Sequence[int], readable: Readable, *, limit: int
) -> list[Neighbor]:
    """Return the ``limit`` nearest neighbors of each subject in the datasets, the nearest of each first."""
    if not subjects:
        return []
    places = readable.places
    asked: dict[str, Any] = {
        "subjects": list(subjects),
        "places": places,
        "limit": limit,
        "candidates": CANDIDATES * limit,
    }
    beginnings = max(1, len(subjects) * len(places))
    depth = max(BEYOND * limit // 2, min(DEPTH, LOOKED_AT // beginnings))
    while True:
        rows = (await session.execute(_NEAREST, {**asked, "depth": depth})).all()
        last = {row.of: row for row in rows}
        settled = all(row.bound == 0 or row.minutes > row.bound for row in last.values())
        if settled or depth * DEEPER * beginnings > MOST_LOOKED_AT:
            break
        depth *= DEEPER
    return [
        Neighbor(of=row.of, id=row.id, type=row.type, name=row.name, items=int(row.items), minutes=int(row.minutes))
        for row in rows
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A subject in a graph."""

    id: int
    type: str
    name: str
    distance: int
    """Steps from the subject in the middle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """Two subjects that are named in the same minutes."""

    source: int
    target: int
    items: int
    minutes: int


async def find_graph(
    session: AsyncSession, middle: FoundSubject, readable: Readable, *, depth: int, limit: int
) -> tuple[list[Node], list[Edge]]:
    """Return the graph around a subject: ``limit`` neighbors of each node, by one statement for each step of ``depth``."""
    nodes = {middle.id: Node(id=middle.id, type=middle.type, name=middle.name, distance=0)}
    edges: dict[frozenset[int], Edge] = {}
    reached = [middle.id]
    for distance in range(1, depth + 1):
        found: list[int] = []
        for one in await find_neighbors(session, reached, readable, limit=limit):
            edge = Edge(source=one.of, target=one.id, items=one.items, minutes=one.minutes)
            edges.setdefault(frozenset((one.of, one.id)), edge)
            if one.id not in nodes:
                nodes[one.id] = Node(id=one.id, type=one.type, name=one.name, distance=distance)
                found.append(one.id)
        reached = found
    return list(nodes.values()), list(edges.values())
