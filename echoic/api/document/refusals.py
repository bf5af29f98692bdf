"""Failures in the document: for each operation the statuses that it answers with, their codes and an example.

Which errors an operation may raise is read from the code by `scripts/raised_errors.py` and kept in `raised.json`; statuses
and messages are those of the error tree.
"""

import inspect
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any

from echoic.api.document.glossary import WORDS
from echoic.api.document.schemas import REFERENCE, Document, operations
from echoic.api.problems import INTERNAL_MESSAGE, RETRY_AFTER_SECONDS, Problem, public_code, status_of, title_of
from echoic.errors import ClientDisconnected, EchoicError, Unavailable, all_errors

FILE = "raised.json"
OUR_FAULT = 500
ANY = "Any other failure."
PROBLEM = {"$ref": REFERENCE.format(name=Problem.__name__)}

RaisedErrors = Mapping[str, Sequence[str]]


@cache
def read_raised() -> RaisedErrors:
    """Return the codes of the errors of each operation, by its id."""
    found: RaisedErrors = json.loads(resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8"))
    return found


def add_refusals(document: Document, raised: RaisedErrors) -> None:
    """Document every failure of each operation. One that is described already keeps its words before the codes."""
    shared: dict[str, Any] = {}
    often = Counter(code for codes in raised.values() for code in codes)
    for method, _, operation in operations(document):
        responses = operation["responses"]
        if _has_another_shape(responses):
            continue
        for status, codes in _by_status(raised.get(operation["operationId"], ())).items():
            own = responses.get(str(status))
            rarest = min(codes, key=lambda code: (often[code], code))
            # Answers to HEAD have no bodies, so they share none.
            if own is None and len(codes) == 1 and method != "HEAD":
                name = _in_pascal_case(rarest)
                shared[name] = _answer(codes, _example(rarest, status))
                responses[str(status)] = {"$ref": f"#/components/responses/{name}"}
            else:
                responses[str(status)] = _answer(codes, _example(rarest, status), (own or {}).get("description", ""))
        if "default" in responses:
            responses["default"]["description"] = ANY
        operation["responses"] = dict(sorted(responses.items()))
    document["components"]["responses"] = dict(sorted(shared.items()))


def _has_another_shape(responses: Document) -> bool:
    """Tell whether failures are answered in another protocol's shape, as OpenAI's routes do; these describe them alone."""
    content = responses.get("default", {}).get("content", {})
    return bool(content.get("application/json", {}).get("schema", PROBLEM) != PROBLEM)


def _answer(codes: Sequence[str], example: dict[str, Any], words: str = "") -> dict[str, Any]:
    """Return the answer with its codes after the words; the words may name some of them."""
    untold = [f"`{code}`" for code in codes if f"`{code}`" not in words]
    told = f"{', '.join(untold)}." if untold else ""
    content = {"schema": PROBLEM, "example": example}
    return {"description": f"{words} {told}".strip(), "content": {"application/json": content}}


def _in_pascal_case(code: str) -> str:
    return "".join(word.capitalize() for word in code.split("_"))


def codes_of(operation_id: str) -> set[str]:
    """Return the codes of all failures of an operation that the document tells of."""
    return {code for codes in _by_status(read_raised().get(operation_id, ())).values() for code in codes}


def _by_status(codes: Sequence[str]) -> dict[int, list[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    for error in (_known()[code] for code in codes):
        status = status_of(error)
        # Those of our fault are raised where no request is at hand; one that still gets there is nobody's to expect.
        if status != OUR_FAULT and not isinstance(error, ClientDisconnected):
            found[status].add(public_code(error))
    found[status_of(Unavailable())].add(Unavailable.code)  # every request needs the database
    found[OUR_FAULT].add("internal_error")
    return {status: sorted(found[status]) for status in sorted(found)}


def _example(code: str, status: int) -> dict[str, Any]:
    """Return the body of an answer with this code."""
    error = _known().get(code)
    message = INTERNAL_MESSAGE if error is None else error.message
    body = {"error": title_of(status), "message": message, "code": code, "request_id": WORDS["request_id"].example}
    if error is not None:
        passes = isinstance(error, Unavailable) and error.retryable
        after = error.retry_after_seconds or (RETRY_AFTER_SECONDS if passes else None)
        body |= {} if after is None else {"retry_after": after}
    return body


@cache
def _known() -> dict[str, EchoicError]:
    """One error of each class, by its code."""
    return {code: _made(error) for code, error in all_errors().items()}


def _made(error: type[EchoicError]) -> EchoicError:
    """Return an error of the class, with its own message; with its docstring where it must be told what it is about."""
    told = [each for each in inspect.signature(error).parameters.values() if each.default is each.empty]
    if not told:
        return error()
    made = error.__new__(error)
    EchoicError.__init__(made, inspect.getdoc(error))
    return made
