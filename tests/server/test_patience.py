"""The wait of a start for its database: bounded, told of now and then, and over once a step succeeds."""

import pytest
from structlog.testing import capture_logs

from echoic.errors import DatabaseNotReady, DatabaseUnavailable
from echoic.server import patience as module
from echoic.server.patience import Patience
from echoic.testing.private_server import free_port


@pytest.fixture(autouse=True)
def looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_SECONDS", 0.01)


def test_the_wait_ends_with_what_was_waited_for_and_how_long() -> None:
    with pytest.raises(DatabaseNotReady) as ended:
        Patience(f"postgresql://a:b@127.0.0.1:{free_port()}/x", seconds=0.1).until_it_takes_writes()
    assert ended.value.message.startswith(
        "The database was not ready within 0.1 s (ECHOIC_DATABASE_START_WAIT_SECONDS): no server answers at its address ("
    )
    assert "refused" in ended.value.message


async def test_a_step_in_which_the_database_is_lost_is_done_again(database_url: str) -> None:
    tries: list[int] = []

    def step() -> int:
        tries.append(1)
        if len(tries) % 3:
            raise DatabaseUnavailable
        return len(tries)

    async def step_within() -> int:
        return step()

    patience = Patience(database_url, seconds=60)
    with capture_logs() as lines:
        assert patience.through(step) == 3
        assert await patience.through_async(step_within) == 6
    assert [line["event"] for line in lines] == ["waiting_for_database", "database_ready"] * 2


def test_a_step_that_fails_for_another_reason_is_not_done_again(database_url: str) -> None:
    def step() -> None:
        raise DatabaseNotReady

    with pytest.raises(DatabaseNotReady):
        Patience(database_url, seconds=60).through(step)
