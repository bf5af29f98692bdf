"""Which words are one edit apart. Pure."""


def slips(word: str) -> set[str]:
    """The word, and the word without any one of its letters.

    Two words one slip apart (a letter more, less, wrong, or two neighbors swapped) have one of these in common: the
    symmetric deletion of W. Garbe's SymSpell (2012).
    """
    return {word, *(word[:index] + word[index + 1 :] for index in range(len(word)))}


def one_slip_apart(first: str, second: str) -> bool:
    """Whether one letter more, less, wrong, or two neighbors swapped make one word the other."""
    if first == second or abs(len(first) - len(second)) > 1:
        return False
    if len(first) > len(second):
        first, second = second, first
    same = next((index for index, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), len(first))
    if len(first) < len(second):
        return first[same:] == second[same + 1 :]
    rest, other = first[same:], second[same:]
    return rest[1:] == other[1:] or (rest[:2] == other[1::-1] and rest[2:] == other[2:])
