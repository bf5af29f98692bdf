"""The size gate, on small trees made for the purpose."""

from pathlib import Path

import pytest

from scripts import size_gate
from scripts.size_gate import Sizes, check, check_spread, measure, spread

REASON = "a table of two hundred codes, one a line"


def function(name: str, lines: int) -> str:
    return f"def {name}():\n" + "    x = 1\n" * (lines - 1)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "echoic").mkdir()
    (tmp_path / "scripts").mkdir()
    return tmp_path


def complaints(root: Path, exceptions: dict[str, object] | None = None) -> list[str]:
    return check(measure(root), exceptions or {})


def test_a_module_may_have_400_lines_and_not_one_more(tree: Path) -> None:
    module = tree / "echoic" / "long.py"
    module.write_text("x = 1\n" * 400)
    assert complaints(tree) == []
    module.write_text("x = 1\n" * 401)
    (complaint,) = complaints(tree)
    assert complaint.startswith("echoic/long.py: module of 401 lines, the bound is 400")


@pytest.mark.parametrize("name", ["routes/HomeRoute.svelte", "lib/clock.ts"])
def test_a_module_of_the_page_may_have_400_lines_and_not_one_more(tree: Path, name: str) -> None:
    module = tree / "web" / "src" / name
    module.parent.mkdir(parents=True)
    module.write_text("// one\n" * 400)
    assert complaints(tree) == []
    module.write_text("// one\n" * 401)
    (complaint,) = complaints(tree)
    assert complaint.startswith(f"web/src/{name}: module of 401 lines, the bound is 400")


def test_the_words_of_the_page_and_its_generated_types_may_be_long(tree: Path) -> None:
    for name in ("words/en.ts", "api/schema.d.ts"):
        (tree / "web" / "src" / name).parent.mkdir(parents=True)
        (tree / "web" / "src" / name).write_text("// one\n" * 500)
    assert complaints(tree) == []


def test_a_function_may_have_60_lines_with_its_decorators(tree: Path) -> None:
    module = tree / "echoic" / "work.py"
    module.write_text(function("work", 60))
    assert complaints(tree) == []
    module.write_text("@cache\n" + function("work", 60))
    (complaint,) = complaints(tree)
    assert complaint.startswith("echoic/work.py::work: function of 61 lines")


def test_methods_and_nested_functions_are_named_by_their_surroundings(tree: Path) -> None:
    body = "class Shop:\n    async def sell(self):\n        def inner():\n" + "            x = 1\n" * 70
    (tree / "echoic" / "shop.py").write_text(body)
    assert {complaint.split(": ")[0] for complaint in complaints(tree)} == {
        "echoic/shop.py::Shop.sell",
        "echoic/shop.py::Shop.sell.inner",
    }


def test_a_listed_one_passes_only_with_a_reason(tree: Path) -> None:
    (tree / "echoic" / "codes.py").write_text("x = 1\n" * 500)
    assert complaints(tree, {"echoic/codes.py": REASON}) == []
    (complaint,) = complaints(tree, {"echoic/codes.py": "  "})
    assert "without a reason" in complaint


@pytest.mark.parametrize("listed", ["echoic/codes.py", "echoic/gone.py", "echoic/codes.py::gone"])
def test_an_entry_that_is_no_longer_needed_must_leave_the_list(tree: Path, listed: str) -> None:
    (tree / "echoic" / "codes.py").write_text("x = 1\n" * 20)
    (complaint,) = complaints(tree, {listed: REASON})
    assert complaint.startswith(f"{listed}: listed in")
    assert "take it off the list" in complaint


def test_the_spread_looks_at_the_package_alone_and_leaves_out_empty_modules() -> None:
    sizes = Sizes(
        modules={"echoic/__init__.py": 1, "echoic/a.py": 100, "echoic/b.py": 200, "tests/huge.py": 399},
        functions={f"echoic/a.py::f{n}": n for n in range(1, 11)} | {"tests/huge.py::f": 59},
    )
    assert spread(sizes) == (150, 9)


def test_a_package_that_is_large_on_the_whole_fails_although_no_single_bound_is_broken() -> None:
    assert check_spread(150, 35) == []
    assert [complaint.split(" of ")[0] for complaint in check_spread(151, 35)] == ["echoic: median module"]
    assert len(check_spread(151, 36)) == 2


def test_the_command_fails_with_a_complaint_and_prints_the_figures(
    tree: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tree / "echoic" / "a.py").write_text(function("small", 10))
    assert size_gate.main(tree) == 0
    assert "module median 10 lines, function p90 10 lines" in capsys.readouterr().out
    (tree / size_gate.EXCEPTIONS_FILE).write_text('[oversized]\n"echoic/a.py" = "it was long once"\n')
    assert size_gate.main(tree) == 1
    assert "take it off the list" in capsys.readouterr().out
