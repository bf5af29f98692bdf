"""What is written as JSON for the database, and how the rest is refused."""

import json
import math

import numpy as np
import pytest
from sqlalchemy import select

from echoic.db.connect import Database
from echoic.db.json_text import to_json
from echoic.db.runs.runs import PipelineRun
from echoic.errors import ValueNotStorable


@pytest.mark.parametrize(
    "value", [{}, [1, 2.5, None, True], "\\u0000 is an escape", {"ключ": "👋"}, {1: "a"}, np.float64(0.5)]
)
def test_what_json_knows_is_written_as_it_is(value: object) -> None:
    assert json.loads(to_json(value)) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        (math.nan, "The value is nan, not a finite number."),
        ({"a": [{"b": -math.inf}]}, "The value of 'a[0].b' is -inf, not a finite number."),
        ({"a": "x\x00"}, "The value of 'a' has a NUL character."),
        ({"a": {"\x00": 1}}, "The value of 'a' has a key that has a NUL character."),
        (["\udfff"], "The value of '[0]' has half a surrogate pair."),
        ({"a": np.float32(0.5)}, "The value of 'a' is of the type float32, which JSON does not know."),
        ({("a", "b"): 1}, "The value has a key that is of the type tuple, which JSON does not know."),
    ],
)
def test_the_rest_is_refused_by_its_place(value: object, complaint: str) -> None:
    with pytest.raises(ValueNotStorable) as refused:
        to_json(value)
    assert refused.value.message == complaint


@pytest.mark.parametrize("number", [math.nan, math.inf])
async def test_a_column_of_numbers_takes_finite_ones_alone_but_is_compared_with_any(
    database_url: str, number: float
) -> None:
    database = Database(database_url, pool_size=1)
    with pytest.raises(ValueNotStorable):  # noqa: PT012 - the flush is what is tested
        async with database.transaction() as session:
            session.add(PipelineRun(item_id=1, stage="x", progress_seconds=number))
            await session.flush()
    async with database.transaction() as session:
        assert not (await session.scalars(select(PipelineRun).where(PipelineRun.progress_seconds < number))).all()
    await database.close()
