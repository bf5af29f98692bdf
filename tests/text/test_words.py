"""How a text is cut into words and folded."""

import pytest

from echoic.text.words import tokens, words


@pytest.mark.parametrize(
    ("said", "cut"),
    [
        ("会議室", ["会", "議", "室"]),
        ("Wordで書く", ["word", "で", "書", "く"]),
        ("ｶﾞｲﾄﾞ", ["ガ", "イ", "ド"]),
        ("か\u3099", ["が"]),
        ("葛\U000e0100城", ["葛", "城"]),
        ("\u1112\u116c\u110b\u1174", ["회", "의"]),
        ("น้ำใจ", ["น้", "ํา", "ใ", "จ"]),
        ("ខ្មែរ", ["ខ្", "មែ", "រ"]),
        ("Größe", ["grosse"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("Й и", ["й", "и"]),
        ("Vor\u00adstand\u00ad \u00ad", ["vorstand"]),
        ("ශ\u0dca\u200dරී", ["ශ\u0dcaරී"]),
        ("п\u2019ять п\u02bcять", ["п", "ять", "п", "ять"]),
    ],
)
def test_a_text_is_cut_where_its_script_has_no_blanks(said: str, cut: list[str]) -> None:
    assert words(said) == cut
    assert [token.word for token in tokens(said)] == cut
    assert all(said[token.start : token.end].strip() for token in tokens(said))
