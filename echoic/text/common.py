"""The words that tell nothing of what a text is about. Pure."""

from echoic.text.words import words

COMMON = frozenset(
    words(
        "about after again also been before being between both could does doing done from have here into just like made make many more most "
        "much only other over said says should some such tell than that their them then there these they this those very want went well "
        "were what when where which while whom whose will with would your "
        "aber alle auch dann dass dazu denn diese dieser dieses doch durch eine einem einen einer eines etwas gegen gibt habe "
        "haben hatte ihre kann kein keine mein mich mehr muss nach nicht noch oder ohne sein seine sich sind soll über unter "
        "viel wann warum welche welcher welches wenn werden wird wurde wurden zwischen "
        "avec cette comme dans elle entre leur mais nous pour quand quel quelle quels sans sont sous sur tout tous vous "
        "algo como cual cuando desde donde ellos entre esta este para pero porque quien según sobre todo"
    )
)
"""Words of four letters and more that say nothing of what a text is about, folded as ``text.words`` folds them: those of English, German, French and Spanish."""
