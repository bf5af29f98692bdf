/** Words of a transcript by time and by place: sorted arrays and binary searches, so that four hours cost what a minute does. */
import type { Segment } from "../api/types";

export interface TimedWord {
  start: number;
  end: number;
  /** Place of the segment among those shown. */
  line: number;
  /** Offsets into the segment's text. */
  from: number;
  to: number;
  score: number;
}

/** The words of a segment with their offsets in its text; a word that the text does not hold is left out. */
export function wordsOf(segment: Segment, line: number): TimedWord[] {
  const found: TimedWord[] = [];
  let after = 0;
  for (const word of segment.words) {
    const text = word.word.trim();
    const from = text ? segment.text.indexOf(text, after) : -1;
    if (from < 0) continue;
    after = from + text.length;
    found.push({ start: word.start, end: word.end, line, from, to: after, score: word.score });
  }
  return found;
}

/** The number of leading values for which `holds` is true; the values are sorted so that these come first. */
export function countWhile<T>(values: readonly T[], holds: (value: T) => boolean): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(values[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The place of the last one that has begun at a time, or -1 before the first. Sorted by start. */
export const lastBegun = (timed: readonly { start: number }[], seconds: number): number =>
  countWhile(timed, (one) => one.start <= seconds) - 1;

/** The word at an offset of a line, or the next one in it; undefined where the line has no such word. */
export function wordAt(words: readonly TimedWord[], line: number, offset: number): TimedWord | undefined {
  const place = countWhile(words, (word) => word.line < line || (word.line === line && word.to <= offset));
  const word = words[place];
  return word?.line === line ? word : undefined;
}

/** Where a text occurs in the lines: a case-blind search within each. */
export function occurrences(lines: readonly string[], wanted: string): { line: number; from: number; to: number }[] {
  const sought = wanted.trim().toLocaleLowerCase();
  const found: { line: number; from: number; to: number }[] = [];
  if (!sought) return found;
  lines.forEach((text, line) => {
    const lowered = text.toLocaleLowerCase();
    // Some letters change their length with their case; a line that has one is not marked rather than marked wrongly.
    if (lowered.length !== text.length) return;
    for (let from = lowered.indexOf(sought); from >= 0; from = lowered.indexOf(sought, from + sought.length)) {
      found.push({ line, from, to: from + sought.length });
    }
  });
  return found;
}
