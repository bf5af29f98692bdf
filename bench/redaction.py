"""What redaction finds in sentences that were written for this measurement: ``redaction_cases.txt``.

    .venv/bin/python bench/redaction.py [--misses]

For each kind and form: how many of the stretches are hidden whole, how many in part, and how many not at all; and in how many
of the sentences without any, something is hidden. People are not among them: who is a person is the tagger's finding, which
``bench/entities.py`` measures.
"""

import argparse
import re
from collections import defaultdict
from pathlib import Path

from echoic.redaction.policy import DETECTED, Policy
from echoic.redaction.spans import find_spans

CASES = Path(__file__).with_name("redaction_cases.txt")
POLICY = Policy(kinds=frozenset(DETECTED))


def measure(sentence: str) -> tuple[list[str], list[str], list[str], str]:
    """Return the stretches that are hidden whole, in part and not at all, and what is hidden beside them."""
    text = re.sub(r"[{}]", "", sentence)
    wanted, shift = [], 0
    for match in re.finditer(r"\{([^}]*)\}", sentence):
        wanted.append((match.start() - shift, match.end() - 2 - shift))
        shift += 2
    hidden = [False] * len(text)
    for span in find_spans(text, POLICY):
        hidden[span.start : span.end] = [True] * (span.end - span.start)
    results: tuple[list[str], list[str], list[str]] = ([], [], [])
    for start, end in wanted:
        told = [hidden[place] for place in range(start, end) if text[place].isalnum()]
        results[0 if all(told) else 1 if any(told) else 2].append(text[start:end])
        hidden[start:end] = [False] * (end - start)
    beside = "".join(character if is_hidden else " " for character, is_hidden in zip(text, hidden, strict=True))
    return *results, " ".join(beside.split())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--misses", action="store_true", help="name each sentence that is not hidden as it should be")
    misses = parser.parse_args().misses
    rows: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        kind, form, sentence = (part.strip() for part in line.split("|", 2))
        whole, part, missed, beside = measure(sentence)
        row = rows[kind, form]
        for place, found in enumerate((whole, part, missed, [beside] if beside else [])):
            row[place] += len(found)
        if misses and (part or missed or beside):
            print(f"{kind}: {sentence} -> part {part}, missed {missed}, beside {beside!r}")
    print("| kind | form | whole | in part | missed | sentences with more hidden |\n|---|---|---|---|---|---|")
    for (kind, form), counts in rows.items():
        print(f"| {kind} | {form} | " + " | ".join(map(str, counts)) + " |")


if __name__ == "__main__":
    main()
