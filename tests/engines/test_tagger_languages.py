"""Which languages the spaCy tagger knows: those whose models are here, and those that the settings name."""

from pathlib import Path

import pytest
import spacy

from echoic import errors
from echoic.engines.models.find import needed
from echoic.engines.registry import Engines
from echoic.settings import Settings

GERMAN = "Guten Tag, Herr Zabriskie. Danke, dass Sie aus Umbrastadt gekommen sind. Zabriskie nickt."


def settings(folder: Path, **changes: object) -> Settings:
    return Settings(_env_file=None, data_dir=folder, model_downloads=False).model_copy(update=changes)


def model_in(folder: Path, name: str, language: str, **names: list[str]) -> None:
    """Write a spaCy model that knows these names."""
    model = spacy.blank(language)
    ruler = model.add_pipe("entity_ruler")
    ruler.add_patterns(  # type: ignore[attr-defined]  # the pipe's type is not known before it is made
        [{"label": label, "pattern": text} for label, texts in names.items() for text in texts]
    )
    folder.mkdir(exist_ok=True)
    model.to_disk(folder / name)


def test_a_model_in_the_folder_of_models_makes_its_language_known(tmp_path: Path) -> None:
    model_in(tmp_path / "models", "de_core_news_sm", "de", PER=["Zabriskie", "Guten Tag", "Danke"], LOC=["Umbrastadt"])
    engines = Engines(settings(tmp_path, models_dir=tmp_path / "models"))

    with engines.entity_tagger.use() as tagger:
        assert {"en", "de"} <= (tagger.languages or set())
        found = [(span.text, span.type) for span in tagger.tag(GERMAN, "de")]

    assert found == [("Zabriskie", "person"), ("Umbrastadt", "place"), ("Zabriskie", "person")]
    engines.close()


def test_one_model_serves_several_languages_that_have_none_of_their_own(tmp_path: Path) -> None:
    model_in(tmp_path / "models", "xx_ent_wiki_sm", "xx", PER=["Zabriskie"])
    model_in(tmp_path / "models", "de_core_news_sm", "de", LOC=["Umbrastadt"])
    engines = Engines(settings(tmp_path, models_dir=tmp_path / "models"))

    with engines.entity_tagger.use() as tagger:
        assert [span.text for span in tagger.tag("Zabriskie viene da Umbrastadt.", "it")] == ["Zabriskie"]
        assert [span.text for span in tagger.tag(GERMAN, "de")] == ["Umbrastadt"]
    engines.close()


@pytest.mark.models
def test_french_is_known_where_its_package_is_installed(tmp_path: Path) -> None:
    text = "Bonjour Madame. Hier, Emmanuel Macron est venu à Lyon chez Renault. Merci Emmanuel."
    engines = Engines(settings(tmp_path))

    with engines.entity_tagger.use() as tagger:
        found = [(span.text, span.type) for span in tagger.tag(text, "fr")]

    assert found == [
        *(("Emmanuel Macron", "person"), ("Lyon", "place")),
        *(("Renault", "organization"), ("Emmanuel", "person")),
    ]
    engines.close()


def test_a_language_of_the_settings_calls_for_its_model(tmp_path: Path) -> None:
    wanted = {model.name for model in needed(settings(tmp_path, entity_languages=("de", "multi")))}

    assert {"en-core-web-sm", "de_core_news_sm", "xx_ent_wiki_sm"} <= wanted


def test_a_language_without_a_tagger_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(errors.SettingInvalid, match=r"'ja'.*de.*multi"):
        needed(settings(tmp_path, entity_languages=("ja",)))


@pytest.mark.models
def test_a_model_that_may_not_be_fetched_is_missed_when_it_is_needed(tmp_path: Path) -> None:
    engines = Engines(settings(tmp_path, entity_languages=("de",)))

    with engines.entity_tagger.use() as tagger:
        assert tagger.tag("Margaret Thornton came.", "en")
        with pytest.raises(errors.ModelMissing, match="de_core_news_sm"):
            tagger.tag(GERMAN, "de")
    engines.close()
