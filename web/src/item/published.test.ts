import { expect, test } from "vitest";
import type { Segment } from "../api/types";
import { compareWith } from "./published";

const ours = (...texts: string[]): Segment[] => texts.map((text, place) => ({ text, start: place * 10 })) as Segment[];
const theirs = (...texts: string[]): { text: string; start: number | null; end: null; speaker: null }[] => texts.map((text) => ({ text, start: null, end: null, speaker: null }));

test("capitals and signs are no difference, other words are shown with what stands around them", () => {
  expect(compareWith(ours("Good morning, all."), theirs("good morning ALL"))).toEqual({ places: [], share: 1 });
  const { places, share } = compareWith(ours("one two three four", "five sicks seven"), theirs("One two three four five, six seven."));
  expect(places).toHaveLength(1);
  expect(places[0]?.start).toBe(10);
  expect(places[0]?.pieces.filter((one) => one.kind !== "same").map((one) => [one.kind, one.text])).toEqual([["removed", "sicks"], ["added", "six"]]);
  expect(share).toBeCloseTo(6 / 7);
});

test("places far apart are two, and one of them may be missing altogether", () => {
  const middle = "a b c d e f g h i j k l m n";
  expect(compareWith(ours(`x ${middle} y`), theirs(`u ${middle} v`)).places).toHaveLength(2);
  expect(compareWith([], theirs("all of it")).share).toBe(0);
});
