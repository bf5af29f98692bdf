"""The errors of a route are read from its code: through calls, methods and classes, without those that a handler takes."""

import pytest

from echoic import errors
from echoic.api import events
from echoic.api.app import ROUTES
from echoic.reading import lookup
from scripts.raised_errors import Errors, idle_exceptions, raised_by, raised_errors


@pytest.fixture(scope="module")
def raised() -> dict[str, Errors]:
    return raised_errors(ROUTES)


def test_errors_of_called_functions_are_found() -> None:
    assert raised_by(lookup.changeable_item) >= {errors.ItemNotFound, errors.Forbidden}


def test_an_error_that_a_handler_takes_is_none_of_the_function() -> None:
    assert errors.ItemNotFound in raised_by(events._look)
    assert errors.ItemNotFound not in raised_by(events._frames)


def test_methods_of_the_open_parts_are_followed(raised: dict[str, Errors]) -> None:
    assert raised["uploadAudio"] >= {
        errors.FileTooLarge,
        errors.NotAudio,
        errors.QuotaExhausted,
        errors.AudioPartMissing,
    }
    assert raised["appendToUpload"] >= {errors.UploadOffsetMismatch, errors.ChecksumMismatch}
    assert raised["search"] >= {errors.QueryInvalid, errors.SemanticSearchUnavailable}


def test_what_comes_before_the_route_counts(raised: dict[str, Errors]) -> None:
    assert raised["getItem"] >= {errors.Unauthorized, errors.ScopeMissing, errors.RateLimited, errors.PlanUnknown}
    assert errors.Unauthorized not in raised["signIn"]


def test_each_exception_on_the_list_changes_something(raised: dict[str, Errors]) -> None:
    assert raised
    assert idle_exceptions() == []
