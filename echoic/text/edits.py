"""Words that are one edit apart: one letter more, less or wrong, or two neighbors swapped. Pure."""


def deletion_forms(word: str) -> set[str]:
    """Return the word itself, and the word without any one of its letters.

    Two words that are one edit apart share such a form: the symmetric deletion of W. Garbe's SymSpell (2012). Some
    words that share one are two edits apart, so candidates need ``one_edit_apart``.
    """
    return {word, *(word[:index] + word[index + 1 :] for index in range(len(word)))}


def one_edit_apart(first: str, second: str) -> bool:
    """Return whether exactly one edit makes one word the other."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    if len(first) > len(second):
        first, second = second, first
    same = next((index for index, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    if len(first) < len(second):
        return first[same:] == second[same + 1 :]
    rest, other = first[same:], second[same:]
    return rest[1:] == other[1:] or (rest[:2] == other[1::-1] and rest[2:] == other[2:])
