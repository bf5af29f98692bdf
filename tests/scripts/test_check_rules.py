"""Each rule of the house: what it finds, and what it leaves alone."""

import ast
import subprocess
from pathlib import Path

import pytest

from scripts.check_rules import (
    EXCEPTIONS_FILE,
    Module,
    apply_exceptions,
    check_migrations,
    check_module,
    check_text,
    main,
)

DOCSTRING = '"""A module of the test."""\n'


def found(path: str, code: str) -> list[tuple[str, int, str]]:
    """Rule, line (the docstring put in front is line 1) and scope of every finding."""
    tree = ast.parse(DOCSTRING + code)
    return [(finding.rule, finding.line, finding.scope) for finding in check_module(Module(path=path, tree=tree))]


@pytest.mark.parametrize(
    "code",
    [
        "import sqlalchemy",
        "import sqlalchemy.orm as orm",
        "from psycopg import errors",
        "from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine",
        "def f():\n    from pgvector.psycopg import register_vector",
        'QUERY = "SELECT id FROM items"',
        'QUERY = """\n    UPDATE items SET title = 1"""',
        'def f(table):\n    return f"DELETE FROM {table}"',
        'CHANNEL = "LISTEN stages"',
    ],
)
def test_sql_outside_db_is_found_and_within_db_it_is_not(code: str) -> None:
    assert [rule for rule, _, _ in found("echoic/search/rank.py", code)] == ["sql"]
    assert found("echoic/db/items/items.py", code) == []


@pytest.mark.parametrize(
    "code",
    [
        'MESSAGE = "Select a file from the list"',
        'def f():\n    """SELECT ... FROM is what this stands for."""',
        "from echoic.db import items",
        "from . import psycopg",
        "from sqlalchemy.ext.asyncio import AsyncSession",
    ],
)
def test_words_that_only_resemble_sql_are_left_alone(code: str) -> None:
    assert found("echoic/search/rank.py", code) == []


def test_ml_libraries_are_found_outside_engines_even_within_functions() -> None:
    assert found("echoic/stages/decode.py", "def f():\n    import av") == [("ml", 3, "f")]
    assert found("echoic/stages/decode.py", "from faster_whisper.vad import x") == [("ml", 2, "")]


def test_engines_import_ml_libraries_within_functions_only() -> None:
    assert found("echoic/engines/whisper.py", "class E:\n    def load(self):\n        import ctranslate2") == []
    assert found("echoic/engines/whisper.py", "import ctranslate2") == [("ml", 2, "")]
    assert found("echoic/engines/whisper.py", "class E:\n    import ctranslate2") == [("ml", 3, "")]
    assert found("echoic/engines/whisper.py", "if TYPE_CHECKING:\n    import ctranslate2") == []


def test_print_belongs_to_the_command_line() -> None:
    assert found("echoic/pipeline/run.py", 'def f():\n    print("x")') == [("print", 3, "f")]
    assert found("echoic/cli/serve.py", 'print("x")') == []
    assert found("scripts/lint.py", 'print("x")') == []


@pytest.mark.parametrize(
    "code",
    [
        "import fastapi",
        "from starlette.requests import Request",
        "from http import HTTPStatus",
        "ok = http.HTTPStatus.OK",
        "answer(status_code=404)",
        "missing = error.status == 404",
        "fine = 200 <= response.status_code < 300",
        "fine = response.status in (200, 206)",
    ],
)
def test_http_below_the_doors_is_found(code: str) -> None:
    assert {rule for rule, _, _ in found("echoic/intake/receive.py", code)} == {"http"}
    assert found("echoic/api/items.py", code) == []


@pytest.mark.parametrize("code", ['ready = item.status == "published"', "LIMIT = 404", "big = size == 200"])
def test_numbers_and_statuses_of_other_kinds_are_left_alone(code: str) -> None:
    assert found("echoic/intake/receive.py", code) == []


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    f()\nexcept Exception:\n    pass",
        "try:\n    f()\nexcept (ValueError, BaseException) as error:\n    log(error)",
        "try:\n    f()\nexcept:\n    x = 1",
        "with suppress(Exception):\n    f()",
        "with contextlib.suppress(ValueError, Exception):\n    f()",
    ],
)
def test_catching_everything_is_found(code: str) -> None:
    assert [rule for rule, _, _ in found("echoic/pipeline/run.py", code)] == ["broad-except"]


@pytest.mark.parametrize(
    "code",
    [
        "try:\n    f()\nexcept ValueError:\n    pass",
        "try:\n    f()\nexcept BaseException:\n    undo()\n    raise",
        "try:\n    f()\nexcept Exception as error:\n    raise StorageUnavailable from error",
        "with suppress(ValueError):\n    f()",
    ],
)
def test_named_errors_and_raising_again_are_left_alone(code: str) -> None:
    assert found("echoic/pipeline/run.py", code) == []


@pytest.mark.parametrize(
    "code", ['item.status = "published"', "item.error_code, x = code, 1", "run.item.published_at = moment"]
)
def test_an_item_state_that_is_set_beside_its_home_is_found(code: str) -> None:
    assert [rule for rule, _, _ in found("echoic/stages/publish.py", code)] == ["item-state"]


@pytest.mark.parametrize("first", ["What a plan has.", "Whether it is there.", "How often it ran.", "Those that wait."])
def test_a_docstring_that_begins_with_no_subject_is_found(first: str) -> None:
    assert found("echoic/plans.py", f'class Plan:\n    def f(self):\n        """{first}"""') == [
        ("subject", 4, "Plan.f")
    ]
    assert found("tests/plans.py", f'def f():\n    """{first}"""') == []


@pytest.mark.parametrize("first", ["The limits of a plan.", "Return whether it is there.", "However it ends, wait."])
def test_a_docstring_that_begins_with_its_subject_is_left_alone(first: str) -> None:
    assert found("echoic/plans.py", f'def f():\n    """{first}"""') == []


@pytest.mark.parametrize("code", ['run.error_code = "x"', "item.title = title", 'body.status = "queued"'])
def test_the_state_of_other_things_is_left_alone(code: str) -> None:
    assert found("echoic/stages/publish.py", code) == []


@pytest.mark.parametrize("path", ["echoic/db/__init__.py", "bench/quality.py", "scripts/lint.py"])
def test_a_module_without_a_docstring_is_found(path: str) -> None:
    (finding,) = check_module(Module(path=path, tree=ast.parse("x = 1")))
    assert finding.rule == "docstring"


def test_test_modules_need_no_docstring() -> None:
    assert check_module(Module(path="tests/test_x.py", tree=ast.parse("x = 1"))) == []


@pytest.mark.parametrize(
    "path", ["echoic/utils.py", "echoic/db/query_helpers.py", "echoic/service/x.py", "tests/asset_manager.py"]
)
def test_names_that_say_nothing_are_found(path: str) -> None:
    assert "name" in {rule for rule, _, _ in found(path, "")}


WRITING = (
    "async def f(session):\n    item = await items.get_item(session, 1)\n    item.title = 'a'",
    "async def f(session):\n    item = (await view(session)).item\n    item.title += 'a'",
    "async def f(session):\n    for row in await rows(session):\n        row.name, count = 'a', 1",
    "from echoic.db.items.items import Item\nasync def f(item: Item | None):\n    item.title = 'a'",
    "async def f(session):\n    view = await found(session)\n    setattr(view.dataset, 'name', 'a')",
    "async def f(session):\n    await session.flush()",
)


@pytest.mark.parametrize("code", WRITING)
def test_a_row_that_is_written_outside_db_is_found_once(code: str) -> None:
    assert [rule for rule, _, _ in found("echoic/api/items.py", code)] == ["rows"]
    for home in ("echoic/db/items/items.py", "echoic/pipeline/state_machine.py"):
        assert found(home, code) == []


@pytest.mark.parametrize(
    "code",
    [
        "async def f(session):\n    item = await items.get_item(session, 1)\n    title = item.title",
        "def f():\n    body = Body()\n    body.title = 'a'",
        "class A:\n    async def f(self):\n        self.item = await g()",
        "def f(session):\n    return session.run(None, {})",
    ],
)
def test_what_is_no_row_may_be_written_anywhere(code: str) -> None:
    assert found("echoic/engines/silero.py", code) == []


def test_names_that_merely_contain_such_a_word_are_left_alone() -> None:
    assert found("echoic/db/utility_bills.py", "") == []


@pytest.mark.parametrize(
    "code",
    [
        "from tests.api.test_uploads import form",
        "from tests.api import test_uploads",
        "import tests.api.test_uploads as uploads",
        "from .test_uploads import form",
        "def f():\n    from tests.api.test_uploads import form",
    ],
)
def test_a_test_module_that_is_imported_is_found(code: str) -> None:
    assert [rule for rule, _, _ in found("tests/api/test_account.py", code)] == ["test-import"]


@pytest.mark.parametrize(
    "code", ["from tests.api.uploading import form", "import pytest", "from tests.factories import x"]
)
def test_a_support_module_of_tests_may_be_imported(code: str) -> None:
    assert found("tests/api/test_account.py", code) == []


def test_paths_of_one_machine_and_registry_hosts_are_found_in_any_text() -> None:
    registry = "https://files.pythonhosted" + ".org/packages/x.whl"
    home = "/ho" + "me/ada/echoic"
    text = f"fine\n# from {registry}\nDATA = '{home}'\n"
    assert [(finding.rule, finding.line) for finding in check_text("requirements.lock", text)] == [
        ("machine", 2),
        ("machine", 3),
    ]


@pytest.mark.parametrize(
    "text", ["bench/work/table", "~/work/echoic", "/home/me/talk.mp3", "/var/lib/echoic", "https://example.org/work/x"]
)
def test_paths_that_hold_on_every_machine_are_left_alone(text: str) -> None:
    assert check_text("README.md", text) == []


def test_marks_of_a_conflict_are_found_in_any_text() -> None:
    text = "\n".join(["# Changes", "<" * 7 + " HEAD", "one", "=" * 7, "other", ">" * 7 + " 1a2b3c (Two)"])
    assert [(finding.rule, finding.line) for finding in check_text("CHANGELOG.md", text)] == [
        ("conflict", 2),
        ("conflict", 4),
        ("conflict", 6),
    ]


def test_underlines_and_arrows_are_no_marks_of_a_conflict() -> None:
    assert check_text("docs/a.md", "Heading\n========\n>>> print()\n a = b\n<<<<<<<<<\n") == []


def test_old_words_are_found_where_people_read() -> None:
    text = "Made anew.\nBesides, it waits\nlest it end.\nRead all the same.\nA renewal, the least, beside it, a Judge.\njudge_it()\n"
    for path in ("echoic/a.py", "bench/a.py", "docs/a.md", "README.md"):
        found = [(finding.rule, finding.line) for finding in check_text(path, text)]
        assert found == [("word", 1), ("word", 2), ("word", 3), ("word", 4), ("word", 6)], path
    for path in ("echoic/db/migrations/versions/0001_a.py", "tests/a.py", "CHANGELOG.md"):
        assert check_text(path, text) == []


def migrations(**followed: str | None) -> list[tuple[str, str]]:
    """What is found where each migration ``m0002_name`` follows the one it is given."""
    modules = [
        Module(
            path=f"echoic/db/migrations/versions/{name[1:]}.py",
            tree=ast.parse(f'revision = "{name[1:5]}"\ndown_revision = {before!r}'),
        )
        for name, before in followed.items()
    ]
    return [(finding.path[-7:-3], finding.message) for finding in check_migrations(modules)]


def test_migrations_in_one_chain_are_left_alone() -> None:
    assert migrations(m0001_a=None, m0002_b="0001", m0003_c="0002") == []


def test_two_migrations_of_one_number_are_found() -> None:
    [number, before] = migrations(m0001_a=None, m0002_b="0001", m0002_c="0001")
    assert number == (
        "02_c",
        "has the revision 0002 of echoic/db/migrations/versions/0002_b.py; take the next free number",
    )
    assert before[1].startswith("follows 0001 as echoic/db/migrations/versions/0002_b.py does")


def test_two_heads_two_beginnings_and_a_gap_are_found() -> None:
    assert [where for where, _ in migrations(m0001_a=None, m0002_b="0001", m0003_c="0001")] == ["03_c"]
    assert [where for where, _ in migrations(m0001_a=None, m0002_b=None)] == ["02_b"]
    assert migrations(m0001_a=None, m0003_c="0002") == [("03_c", "follows 0002, which does not exist")]


def test_a_migration_that_is_named_for_another_number_or_says_none_is_found() -> None:
    path = "echoic/db/migrations/versions/0004_x.py"
    for code, what in (('revision = "1"\ndown_revision = None', "is not named"), ("x = 1", "does not say")):
        [finding] = check_migrations([Module(path=path, tree=ast.parse(code))])
        assert what in finding.message


BROAD = "def outer():\n    try:\n        f()\n    except Exception:\n        pass\n"


def complaints(exceptions: dict[str, dict[str, str]]) -> list[str]:
    path = "echoic/pipeline/run.py"
    return apply_exceptions(check_module(Module(path=path, tree=ast.parse(DOCSTRING + BROAD))), exceptions)


@pytest.mark.parametrize("entry", ["echoic/pipeline/run.py", "echoic/pipeline/run.py::outer"])
def test_a_listed_module_or_function_passes(entry: str) -> None:
    assert complaints({"broad-except": {entry: "the border of the process"}}) == []


def test_an_exception_counts_for_its_own_rule_and_function_only() -> None:
    for exceptions in ({"sql": {"echoic/pipeline/run.py": "x"}}, {"broad-except": {"echoic/pipeline/run.py::b": "x"}}):
        finding, stale = complaints(exceptions)
        assert finding.startswith("echoic/pipeline/run.py:5: [broad-except] catches every exception")
        assert "allows nothing; take it off the list" in stale


def test_an_exception_needs_a_reason() -> None:
    (complaint,) = complaints({"broad-except": {"echoic/pipeline/run.py": ""}})
    assert complaint.endswith("has no reason")


def test_the_command_looks_at_tracked_and_new_files_but_not_at_ignored_or_binary_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)  # noqa: S607
    (tmp_path / "scripts").mkdir()
    (tmp_path / "echoic").mkdir()
    (tmp_path / EXCEPTIONS_FILE).write_text("")
    (tmp_path / ".gitignore").write_text("ignored.py\n")
    (tmp_path / "ignored.py").write_text("import nothing\n")
    (tmp_path / "sound.bin").write_bytes(b"\xff\xfe\x00\x81")
    assert main(tmp_path) == 0
    (tmp_path / "echoic" / "new.py").write_text("import sqlalchemy\n")
    capsys.readouterr()
    assert main(tmp_path) == 1
    out = capsys.readouterr().out
    assert "echoic/new.py:1: [sql] imports sqlalchemy" in out
    assert "echoic/new.py:1: [docstring]" in out
    assert "ignored.py" not in out
