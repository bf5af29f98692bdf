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

/** What a search asks for, as texts that can be marked: phrases in quotes whole, other words one by one. */
export function termsOf(query: string): string[] {
  const found: string[] = [];
  for (const [whole, phrase] of query.matchAll(/-?"([^"]*)"|\S+/g)) {
    if (whole.startsWith("-") || whole === "OR") continue;
    const term = (phrase ?? whole).replace(/["()*]/g, " ").trim();
    if (term && !found.includes(term)) found.push(term);
  }
  return found;
}

/** A stretch of a line's text. */
export interface Stretch {
  line: number;
  from: number;
  to: number;
}

/** Scripts that put no blanks between words. */
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Khmer}\p{Script=Lao}]/u;

/** Where texts occur in the lines, in their order: a case-blind search for the beginnings of words within each line. */
export function occurrences(lines: readonly string[], wanted: readonly string[]): Stretch[] {
  const terms = wanted.map((text) => text.trim()).filter(Boolean);
  if (!terms.length) return [];
  // The longer one first: of a phrase and its first word, the phrase is marked.
  const bodies = terms.sort((a, b) => b.length - a.length).map((term) => {
    const body = term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replace(/\s+/g, "\\s+");
    return UNSPACED.test(term) ? body : `(?<![\\p{L}\\p{N}])${body}`;
  });
  const pattern = new RegExp(bodies.join("|"), "giu");
  return lines.flatMap((text, line) => [...text.matchAll(pattern)].map((match) => ({ line, from: match.index, to: match.index + match[0].length })));
}
