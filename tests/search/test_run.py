"""How a search is carried out where not everything is there."""

from collections.abc import Callable, Sequence

import pytest

from echoic.db.search.postgres import PostgresIndex
from echoic.engines.fake import TEXT_ENCODER_ID, FakeTextEncoder
from echoic.engines.lease import EngineLease
from echoic.engines.protocols import TextEncoder, TextKind
from echoic.errors import ModelMissing, QueryInvalid, SemanticSearchUnavailable
from echoic.records import Embeddings
from echoic.search.question import MAX_QUERY_CHARACTERS, Search, SearchType
from echoic.search.run import search
from tests.factories import World, talk


def lease(load: Callable[[], TextEncoder] = FakeTextEncoder) -> EngineLease[TextEncoder]:
    return EngineLease(TEXT_ENCODER_ID, load, idle_seconds=0)


class Noting(FakeTextEncoder):
    """Notes the texts of which embeddings are asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str], kind: TextKind) -> Embeddings:
        self.asked += texts
        return super().encode(texts, kind)


def no_model() -> TextEncoder:
    raise ModelMissing("The model 'x' is not on this machine.")


@pytest.mark.parametrize(("wanted", "made"), [(None, "hybrid"), ("hybrid", "hybrid"), ("semantic", "semantic")])
@pytest.mark.usefixtures("pgvector")
async def test_a_search_without_a_wish_goes_by_words_and_meaning(
    world: World, wanted: SearchType | None, made: SearchType
) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline"))
    request = Search(account_id=tenant.account_id, query="deadline", search_type=wanted)
    found = await search(request, index=PostgresIndex(world.database), encoder=lease())
    assert found.search_type == made
    assert [hit.text for hit in found.hits] == ["the deadline"]
    assert found.took_seconds > 0


@pytest.mark.usefixtures("pgvector")
async def test_a_missing_model_leaves_the_search_by_words(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline"))
    encoder = lease(no_model)
    found = await search(
        Search(account_id=tenant.account_id, query="deadline"), index=PostgresIndex(world.database), encoder=encoder
    )
    assert (found.search_type, found.total) == ("text", 1)
    for wanted in ("semantic", "hybrid"):
        with pytest.raises(SemanticSearchUnavailable, match="not on this machine"):
            await search(
                Search(account_id=tenant.account_id, query="deadline", search_type=wanted),
                index=PostgresIndex(world.database),
                encoder=encoder,
            )


async def test_a_search_by_words_loads_no_model(world: World) -> None:
    tenant = await world.tenant()
    request = Search(account_id=tenant.account_id, query="deadline", search_type="text")
    found = await search(request, index=PostgresIndex(world.database), encoder=lease(no_model))
    assert (found.search_type, found.total) == ("text", 0)


@pytest.mark.parametrize("query", ["", " \t\n", "\0", "x" * (MAX_QUERY_CHARACTERS + 1)])
async def test_a_blank_or_endless_query_is_refused(world: World, query: str) -> None:
    tenant = await world.tenant()
    with pytest.raises(QueryInvalid):
        await search(
            Search(account_id=tenant.account_id, query=query), index=PostgresIndex(world.database), encoder=lease()
        )


@pytest.mark.parametrize("query", ["(", ")", '""', "*", "?! …", "NOT", "AND OR", "( - )", "🙂"])
@pytest.mark.parametrize("wanted", [None, "text", "semantic"])
@pytest.mark.usefixtures("pgvector")
async def test_a_query_without_a_word_is_refused(world: World, query: str, wanted: SearchType | None) -> None:
    tenant = await world.tenant()
    request = Search(account_id=tenant.account_id, query=query, search_type=wanted)
    with pytest.raises(QueryInvalid, match="no word"):
        await search(request, index=PostgresIndex(world.database), encoder=lease())


async def test_a_query_may_hold_what_the_database_cannot(world: World) -> None:
    tenant = await world.tenant()
    await world.item(tenant.dataset_id, talk("the deadline"))
    request = Search(account_id=tenant.account_id, query="the\0deadline", search_type="text")
    found = await search(request, index=PostgresIndex(world.database), encoder=lease())
    assert found.total == 1


@pytest.mark.parametrize(
    ("query", "compared"),
    [
        ("Where's the red CAR?", "Where's the red CAR?"),
        ("the red car -Wine", "the red car"),
        ('wine OR ("red car" NOT the)', "wine red car"),
    ],
)
@pytest.mark.usefixtures("pgvector")
async def test_what_a_query_excludes_is_no_part_of_the_meaning_that_is_compared(
    world: World, query: str, compared: str
) -> None:
    tenant = await world.tenant()
    encoder = Noting()
    await search(
        Search(account_id=tenant.account_id, query=query),
        index=PostgresIndex(world.database),
        encoder=lease(lambda: encoder),
    )
    assert encoder.asked == [compared]
