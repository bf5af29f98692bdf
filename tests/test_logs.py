"""What ends up in the log, and what must not."""

import asyncio
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from echoic.logs import MASK, configure_logging, get_logger, log_context
from echoic.settings import Settings

LogTo = Callable[..., io.StringIO]


@pytest.fixture
def log_to() -> Iterator[LogTo]:
    """Configures logging into a text buffer, and puts back what every test does not anyway."""

    def configure(**settings: Any) -> io.StringIO:
        stream = io.StringIO()
        configure_logging(Settings(_env_file=None, **settings), stream)
        return stream

    yield configure
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_json_line_holds_event_level_logger_time_and_data(log_to: LogTo) -> None:
    stream = log_to(log_format="json")
    get_logger("echoic.intake").info("upload_received", size_bytes=12)
    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "upload_received", "level": "info", "logger": "echoic.intake", "size_bytes": 12}


def test_a_logger_made_before_the_set_up_follows_it(log_to: LogTo) -> None:
    early = get_logger("echoic.early")
    stream = log_to(log_format="json")
    early.info("started")
    assert lines(stream)[0]["logger"] == "echoic.early"


def test_records_of_libraries_take_the_same_form_and_carry_the_bound_ids(log_to: LogTo) -> None:
    log_to(log_format="json")
    logging.getLogger("uvicorn.error").addHandler(logging.StreamHandler(io.StringIO()))
    stream = log_to(log_format="json")
    with log_context(run_id=7, stage="decode"):
        logging.getLogger("uvicorn.error").warning("port %d is taken", 80)
        logging.getLogger("procrastinate.worker").error("lost")
    first, second = lines(stream)
    assert (first["event"], first["run_id"], first["stage"]) == ("port 80 is taken", 7, "decode")
    assert second["logger"] == "procrastinate.worker"


@pytest.mark.parametrize("library", ["alembic.runtime.migration", "httpx", "httpx2", "httpcore2.connection"])
def test_library_chatter_is_left_out_at_info_and_shown_at_debug(log_to: LogTo, library: str) -> None:
    stream = log_to(log_level="info", log_format="json")
    logging.getLogger(library).info("Context impl")
    assert lines(stream) == []
    stream = log_to(log_level="debug", log_format="json")
    logging.getLogger(library).info("Context impl")
    assert len(lines(stream)) == 1


def test_lines_below_the_level_are_left_out(log_to: LogTo) -> None:
    stream = log_to(log_level="warning", log_format="json")
    get_logger("echoic").info("quiet")
    get_logger("echoic").warning("loud")
    assert [line["event"] for line in lines(stream)] == ["loud"]


async def test_tasks_do_not_see_each_others_bound_ids(log_to: LogTo) -> None:
    stream = log_to(log_format="json")
    both_bound = asyncio.Barrier(2)

    async def request(name: str) -> None:
        with log_context(request_id=name):
            await both_bound.wait()
            get_logger("echoic").info("seen", own=name)

    await asyncio.gather(request("one"), request("two"))
    assert {(line["own"], line["request_id"]) for line in lines(stream)} == {("one", "one"), ("two", "two")}


def test_a_context_ends_with_its_block_and_restores_the_outer_one(log_to: LogTo) -> None:
    stream = log_to(log_format="json")
    log = get_logger("echoic")
    with log_context(item_id=1, stage="decode"):
        with log_context(stage="index"):
            log.info("inner")
        log.info("outer")
    log.info("after")
    assert [(line.get("item_id"), line.get("stage")) for line in lines(stream)] == [
        (1, "index"),
        (1, "decode"),
        (None, None),
    ]


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(
    "data",
    [
        {"api_key": "hunter2"},
        {"headers": {"Authorization": "Bearer hunter2"}},
        {"headers": [{"X-API-Key": "hunter2"}]},
        {"key": "hunter2"},
        {"url": "http://localhost/api/items?limit=3&api_key=hunter2&x=1"},
        {"text": "the header was Authorization: Bearer hunter2"},
        {"dsn": "postgresql+psycopg://echoic:hunter2@db.internal:5432/echoic"},
        {"error": ValueError("no answer from https://files.example/a.mp3?token=hunter2")},
    ],
)
def test_secrets_are_masked_in_fields_at_any_depth_and_in_texts(
    log_to: LogTo, log_format: str, data: dict[str, object]
) -> None:
    stream = log_to(log_format=log_format)
    get_logger("echoic").info("event", **data)
    assert "hunter2" not in stream.getvalue()
    assert MASK in stream.getvalue()


def test_secrets_are_masked_in_tracebacks_and_in_the_access_log(log_to: LogTo) -> None:
    stream = log_to(log_format="json", log_level="debug")
    logging.getLogger("uvicorn.access").info('%s - "%s %s" %d', "::1", "GET", "/api/items?api_key=hunter2", 200)
    try:
        int("postgresql://echoic:hunter2@db/echoic")
    except ValueError:
        get_logger("echoic").exception("database_lost")
    access, lost = lines(stream)
    assert access["event"].endswith(f'api_key={MASK}" 200')
    assert "ValueError" in lost["exception"]
    assert "hunter2" not in stream.getvalue()


def test_ordinary_addresses_and_words_are_left_alone(log_to: LogTo) -> None:
    stream = log_to(log_format="json")
    get_logger("echoic").info("listening", url="http://127.0.0.1:8080/api?page=2", monkey="banana", keys=3)
    (line,) = lines(stream)
    assert (line["url"], line["monkey"], line["keys"]) == ("http://127.0.0.1:8080/api?page=2", "banana", 3)


def test_warnings_of_python_reach_the_log(log_to: LogTo) -> None:
    stream = log_to(log_format="json")
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn("old ways", FutureWarning, stacklevel=1)
    assert "old ways" in lines(stream)[0]["event"]
