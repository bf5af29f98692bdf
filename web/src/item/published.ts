/** What a publisher's transcript says otherwise than ours: the places that differ, each with a few words around it. Pure. */
import type { PublishedSegment, Segment } from "../api/types";
import { pieces, type Piece } from "./compare";

/** A place that differs; where the publisher gives no times it is found by ours. */
export interface Otherwise {
  start: number;
  pieces: Piece[];
}

/** Words that are shown before and after what differs. */
const AROUND = 5;
/** Words that are compared at once: more of them take a time that one would notice. */
const MOST_WORDS = 3000;

interface Said {
  text: string;
  start: number;
}

/** Whether two words mean the same word: publishers write capitals and signs otherwise. */
const plain = (text: string): string => text.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "");

/** Texts cut into stretches that are compared with each other, by the share of the words that came before. */
function stretches(ours: readonly Said[], theirs: readonly Said[]): [Said[], Said[]][] {
  const count = Math.max(1, Math.ceil(Math.max(ours.length, theirs.length) / MOST_WORDS));
  const cut = (said: readonly Said[], place: number): number => Math.round((said.length * place) / count);
  return Array.from({ length: count }, (_, place) => [ours.slice(cut(ours, place), cut(ours, place + 1)), theirs.slice(cut(theirs, place), cut(theirs, place + 1))]);
}

const wordsOf = (segments: readonly { text: string; start: number | null }[]): Said[] =>
  segments.flatMap((one) => one.text.split(/\s+/).filter((word) => plain(word)).map((word) => ({ text: word, start: one.start ?? 0 })));

/** The places that differ, and the share of our words that the publisher has as well. */
export function compareWith(ours: readonly Segment[], theirs: readonly PublishedSegment[]): { places: Otherwise[]; share: number } {
  const places: Otherwise[] = [];
  let [same, all] = [0, 0];
  for (const [left, right] of stretches(wordsOf(ours), wordsOf(theirs))) {
    all += Math.max(left.length, right.length);
    same += placesOf(left, right, places);
  }
  return { places, share: all ? same / all : 1 };
}

/** Add the places that differ; returns how many words are the same. */
function placesOf(left: readonly Said[], right: readonly Said[], places: Otherwise[]): number {
  const parts = pieces(left.map((one) => plain(one.text)).join(" "), right.map((one) => plain(one.text)).join(" "));
  let [at, other, same] = [0, 0, 0];
  let open: Otherwise | undefined;
  let behind = Infinity;
  const before = (): Piece[] => [{ kind: "same", text: `${left.slice(Math.max(0, at - AROUND), at).map((one) => one.text).join(" ")} ` }];
  for (const part of parts) {
    const count = part.text.trim() ? part.text.trim().split(/\s+/).length : 0;
    if (part.kind === "same") {
      const shown = left.slice(at, at + Math.min(count, AROUND)).map((one) => one.text).join(" ");
      open?.pieces.push({ kind: "same", text: ` ${shown} ` });
      [at, other, same, behind] = [at + count, other + count, same + count, count];
      if (behind > AROUND) open = undefined;
      continue;
    }
    if (!open) {
      open = { start: left[Math.min(at, left.length - 1)]?.start ?? right[other]?.start ?? 0, pieces: before() };
      places.push(open);
    }
    const source = part.kind === "removed" ? left.slice(at, at + count) : right.slice(other, other + count);
    open.pieces.push({ kind: part.kind, text: source.map((one) => one.text).join(" ") });
    if (part.kind === "removed") at += count;
    else other += count;
  }
  return same;
}
