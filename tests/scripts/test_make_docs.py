"""The generated pages say what the code says."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from echoic.errors import EchoicError
from echoic.settings import Settings
from scripts import make_docs

ROOT = Path(__file__).resolve().parents[2]


def somewhere() -> str:
    """Depends on the machine."""
    return str(Path.cwd())


class Small(BaseSettings):
    """Settings made for the tests."""

    model_config = SettingsConfigDict(env_prefix="SMALL_")

    # Looks

    color: Literal["red", "a|b"] | None = None
    """What it looks like; unset leaves ``color`` to chance."""
    size_mb: int = Field(default=3, ge=1, lt=9)
    """How large it is,
    in MB."""

    # Secrets

    # This comment is no heading: it stands directly above its field.
    password: SecretStr | None = None
    """Word that opens it."""
    place: str = Field(default_factory=somewhere)
    """Where it lies."""
    seconds: float = 1_500_000.0
    """How long it lasts."""


class Undocumented(BaseSettings):
    """Settings of which one lacks its sentence."""

    # Heading

    silent: int = 1
    loud: int = 2
    """Has a sentence."""


class Headless(BaseSettings):
    size: int = 1
    """Stands under no heading."""


def test_a_setting_shows_variable_type_bounds_default_and_sentence_under_its_heading() -> None:
    lines = make_docs.configuration_page(Small).splitlines()
    assert [line for line in lines if line.startswith("## ")] == ["## Looks", "## Secrets"]
    rows = [line for line in lines if line.startswith("| `")]
    assert rows == [
        "| `SMALL_COLOR` | `red` or `a\\|b` | unset | What it looks like; unset leaves `color` to chance. |",
        "| `SMALL_SIZE_MB` | whole number, ≥ 1, < 9 | `3` | How large it is, in MB. |",
        "| `SMALL_PASSWORD` | text, secret | unset | Word that opens it. |",
        "| `SMALL_PLACE` | text | Depends on the machine | Where it lies. |",
        "| `SMALL_SECONDS` | number | `1500000` | How long it lasts. |",
    ]


def test_a_setting_without_a_sentence_or_a_heading_is_refused() -> None:
    with pytest.raises(ValueError, match="silent has no sentence"):
        make_docs.configuration_page(Undocumented)
    with pytest.raises(ValueError, match=r"Headless\.size stands under no heading"):
        make_docs.configuration_page(Headless)


def test_every_setting_is_on_the_page_with_the_variable_that_sets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    page = make_docs.configuration_page()
    for name in Settings.model_fields:
        assert f"`ECHOIC_{name.upper()}`" in page
    monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/echoic")
    assert "`ECHOIC_DATABASE_URL` or `DATABASE_URL`" in page
    assert Settings(_env_file=None).database_url == SecretStr("postgresql://somewhere/echoic")


def test_every_error_is_on_the_page_once_under_its_family() -> None:
    page = make_docs.errors_page()

    def check(error: type[EchoicError], family: type[EchoicError]) -> None:
        if error.__module__ == EchoicError.__module__:
            section = page.split(f"## {family.__name__}")[1].split("\n## ")[0]
            assert section.count(f"| `{error.code}` | {'yes' if error.retryable else 'no'} |") == 1
            assert page.count(f"| `{error.code}` |") == 1
        for child in error.__subclasses__():
            check(child, family)

    for family in EchoicError.__subclasses__():
        check(family, family)


def test_every_command_is_on_the_page_with_its_options_but_for_hidden_ones() -> None:
    app, below = typer.Typer(), typer.Typer(help="Works below.")
    app.add_typer(below, name="below")

    @app.command()
    def serve(*, loud: Annotated[bool, typer.Option(help="Says more.")] = False) -> None:
        """Serves it."""

    @app.command(hidden=True)
    def inner() -> None:
        """Is not for people."""

    @below.command()
    def dig() -> None:
        """Digs it."""

    page = make_docs.commands_page(app)
    headings = [line for line in page.splitlines() if line.startswith("#")]
    assert headings == ["# Command line", "## `echoic serve`", "## `echoic below`", "### `echoic below dig`"]
    assert "* `--loud / --no-loud`: Says more.  [default: no-loud]" in page
    assert "inner" not in page
    assert "Is not for people" not in page


def test_the_command_writes_the_pages_and_tells_stale_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert make_docs.main(tmp_path, ["--check"]) == 1
    assert make_docs.main(tmp_path, []) == 0
    assert make_docs.main(tmp_path, ["--check"]) == 0
    page = tmp_path / "docs" / "errors.md"
    page.write_text(page.read_text().replace("`item_not_found`", "`item_lost`"))
    capsys.readouterr()
    assert make_docs.main(tmp_path, ["--check"]) == 1
    out = capsys.readouterr().out
    assert "-| `item_lost` |" in out
    assert "+| `item_not_found` |" in out
    assert f"{len(make_docs.PAGES)} generated pages, 1 stale" in out
