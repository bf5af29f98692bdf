"""Answers questions: finds the moments, has a language model write, and checks each sentence before anybody sees it."""

from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass

from echoic.asking.checks import Sentence, checked
from echoic.asking.moments import Moment, moments_of, search_for
from echoic.asking.prompts import NO_ANSWER, to_answer
from echoic.asking.sentences import SentenceReader, Written
from echoic.engines.protocols import ChatMessage, ChatModel
from echoic.errors import ChatBusy, ChatUnavailable
from echoic.search.port import SearchIndex
from echoic.search.question import Filters
from echoic.search.run import EncoderLease, search

MAX_AT_ONCE = 8
"""Answers that one process has written at the same time."""
MAX_OF_AN_ACCOUNT = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """A question about what the account may read, or about a part of it."""

    account_id: int
    text: str
    filters: Filters
    count: int
    """Most moments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """The end of an answer: ``code`` and ``message`` say why there is none, or no more; None where it is whole."""

    code: str | None = None
    message: str | None = None


OFF = Ended(code="chat_off", message="No language model is set up on this server; these are the moments that fit best.")
NOTHING_FOUND = Ended(code="nothing_found", message="Nothing that you may read fits the question.")
NOT_SAID = Ended(code="not_said", message="The language model finds no answer in these moments.")


class Asking:
    """The language model of the settings, with a bound to how much it writes at the same time."""

    def __init__(self, model: ChatModel | None, *, index: SearchIndex, encoder: EncoderLease) -> None:
        self.model = model
        self._index = index
        self._encoder = encoder
        self._under_way = Counter[int]()

    async def moments(self, question: Question) -> tuple[Moment, ...]:
        """Return the moments that fit best. Recordings in which something is redacted for the account are left out.

        Raises QueryInvalid.
        """
        wanted = search_for(question.text, question.filters, account_id=question.account_id, count=question.count)
        found = await search(wanted, index=self._index, encoder=self._encoder)
        return moments_of(found.hits, count=question.count)

    async def answer(self, question: Question, moments: Sequence[Moment]) -> AsyncGenerator[Sentence | Ended, None]:
        """Yield checked sentences as they are written; the last one is an end, whatever becomes of the model."""
        if self.model is None or not moments:
            yield NOTHING_FOUND if not moments else OFF
            return
        rules, asked = to_answer(question.text, moments)
        count, says_nothing = 0, False
        try:
            with self.a_turn(question.account_id):
                async with aclosing(self.written(rules, asked)) as written:
                    async for one in written:
                        if count == 0 and one.text.strip(".! ").upper() == NO_ANSWER:
                            says_nothing = True
                            break
                        count += 1
                        yield checked(one, moments)
        except ChatUnavailable as error:
            yield Ended(code=error.code, message=error.message)
            return
        yield NOT_SAID if says_nothing or not count else Ended()

    async def written(self, rules: str, asked: str) -> AsyncGenerator[Written, None]:
        """Yield the sentences that the model writes, unchecked; those it has begun come before an error is raised."""
        if self.model is None:
            return
        reader = SentenceReader()
        messages = [ChatMessage(role="system", content=rules), ChatMessage(role="user", content=asked)]
        try:
            async with aclosing(self.model.write(messages)) as pieces:
                async for piece in pieces:
                    for one in reader.feed(piece):
                        yield one
        except ChatUnavailable:
            for one in reader.close():
                yield one
            raise
        for one in reader.close():
            yield one

    @contextmanager
    def a_turn(self, account_id: int) -> Iterator[None]:
        """Hold one of the places for answers. Raises ChatBusy."""
        if self._under_way.total() >= MAX_AT_ONCE:
            raise ChatBusy
        if self._under_way[account_id] >= MAX_OF_AN_ACCOUNT:
            raise ChatBusy(f"Your account has {MAX_OF_AN_ACCOUNT} answers under way; ask again when one has ended.")
        self._under_way[account_id] += 1
        try:
            yield
        finally:
            self._under_way[account_id] -= 1
            self._under_way += Counter()  # forgets accounts without any
