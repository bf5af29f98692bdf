/** What two versions of a transcript say differently, word by word. Pure. */
import { diffArrays } from "diff";
import type { Segment } from "../api/types";

export interface Piece {
  text: string;
  kind: "same" | "removed" | "added";
}

/** A stretch of the recording in which the two versions differ. */
export interface Difference {
  start: number;
  pieces: Piece[];
  /** Who speaks there in the one and in the other version, where that differs. */
  speakers: { before: string; after: string } | undefined;
}

/** Two beginnings of segments within these seconds are the same moment. */
const SAME_MOMENT_SECONDS = 0.3;
/** A stretch is cut at the latest where it has so many words, so that a comparison takes no time that one would notice. */
const MAX_WORDS = 2000;

/** The words of two texts, with marks for those that only one of them has. */
export function pieces(before: string, after: string, language?: string): Piece[] {
  const found: Piece[] = [];
  // The last word of a text has no blank behind it.
  const comparator = (one: string, other: string): boolean => one.trimEnd() === other.trimEnd();
  for (const part of diffArrays(tokens(before, language), tokens(after, language), { comparator })) {
    found.push({ text: part.value.join(""), kind: part.added ? "added" : part.removed ? "removed" : "same" });
  }
  return found;
}

/** All stretches in which two versions differ, in the order of the recording. `nameOf` gives the name of who speaks. */
export function compare(before: readonly Segment[], after: readonly Segment[], nameOf: (segment: Segment) => string): Difference[] {
  return stretches(before, after).flatMap(([one, other]) => {
    const [text, changed] = [textOf(one), textOf(other)];
    const speakers = { before: namesOf(one, nameOf), after: namesOf(other, nameOf) };
    const isSameSpeaker = speakers.before === speakers.after;
    if (text === changed && isSameSpeaker) return [];
    return [{ start: (one[0] ?? other[0])?.start ?? 0, pieces: pieces(text, changed), speakers: isSameSpeaker ? undefined : speakers }];
  });
}

/** Both versions cut where segments of both begin at the same moment. */
function stretches(before: readonly Segment[], after: readonly Segment[]): [Segment[], Segment[]][] {
  const found: [Segment[], Segment[]][] = [];
  let [one, other]: [Segment[], Segment[]] = [[], []];
  let [left, right, words] = [0, 0, 0];
  while (left < before.length || right < after.length) {
    const [first, second] = [before[left], after[right]];
    const together = !!first && !!second && Math.abs(first.start - second.start) <= SAME_MOMENT_SECONDS;
    if ((together || words > MAX_WORDS) && one.length + other.length) {
      found.push([one, other]);
      [one, other, words] = [[], [], 0];
    }
    if (first && (together || !second || first.start <= second.start)) {
      one.push(first);
      left += 1;
      words += first.words.length;
    }
    if (second && (together || !first || second.start < first.start)) {
      other.push(second);
      right += 1;
    }
  }
  found.push([one, other]);
  return found;
}

const textOf = (segments: readonly Segment[]): string => segments.map((one) => one.text).filter(Boolean).join(" ");

const namesOf = (segments: readonly Segment[], nameOf: (segment: Segment) => string): string =>
  segments.map(nameOf).filter((name, place, all) => name !== all[place - 1]).join(", ");

/** Words with the blanks behind them; scripts that put no blanks between words are cut by the browser's own rules. */
function tokens(text: string, language?: string): string[] {
  const found: string[] = [];
  for (const { segment, isWordLike } of new Intl.Segmenter(language, { granularity: "word" }).segment(text)) {
    if (isWordLike || !found.length) found.push(segment);
    else found[found.length - 1] += segment;
  }
  return found;
}
