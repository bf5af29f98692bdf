import { expect, test } from "vitest";
import type { Segment } from "../api/types";
import { lastBegun, occurrences, termsOf, wordAt, wordsOf } from "./times";

function said(text: string, ...words: [string, number, number][]): Segment {
  return {
    id: 0,
    start: 0,
    end: 9,
    speaker: null,
    speaker_name: null,
    text,
    confidence: null,
    no_speech_probability: null,
    compression_ratio: null,
    quality: null,
    language: null,
    words: words.map(([word, start, end]) => ({ word, start, end, score: 1, speaker: null })),
  };
}

test("words that recur stand at their own places", () => {
  const words = wordsOf(said("to be or not to be", ["to", 0, 1], ["be", 1, 2], ["or", 2, 3], ["not", 3, 4], ["to", 4, 5], ["be", 5, 6]), 3);
  expect(words.map((word) => word.from)).toEqual([0, 3, 6, 9, 13, 16]);
  expect(words.every((word) => word.line === 3)).toBe(true);
});

test("a word that the text does not hold is left out and the next is still found", () => {
  const words = wordsOf(said("one three", ["one", 0, 1], ["two", 1, 2], ["three", 2, 3]), 0);
  expect(words.map((word) => [word.from, word.start])).toEqual([
    [0, 0],
    [4, 2],
  ]);
});

test.each([
  [-1, -1],
  [0, 0],
  [1.99, 0],
  [2, 1],
  [100, 2],
])("at %d s the last that has begun is %d", (seconds, place) =>
  expect(lastBegun([{ start: 0 }, { start: 2 }, { start: 4 }], seconds)).toBe(place),
);

test("a click on a word, on a blank before one and behind the last", () => {
  const words = wordsOf(said("one two", ["one", 0, 1], ["two", 1, 2]), 0);
  expect(wordAt(words, 0, 1)?.start).toBe(0);
  expect(wordAt(words, 0, 3)?.start).toBe(1);
  expect(wordAt(words, 0, 7)).toBeUndefined();
  expect(wordAt(words, 1, 0)).toBeUndefined();
});

test("texts are found in any case, several times in a line", () =>
  expect(occurrences(["The quay, the Quay", "none"], ["quay"])).toEqual([
    { line: 0, from: 4, to: 8 },
    { line: 0, from: 14, to: 18 },
  ]));

test("nothing is found for nothing", () => expect(occurrences(["a"], ["  "])).toEqual([]));

test("a phrase is marked before its words, and only beginnings of words are", () =>
  expect(occurrences(["quay wall, squay, quay"], ["quay", "quay wall"]).map((one) => [one.from, one.to])).toEqual([
    [0, 9],
    [18, 22],
  ]));

test("a script without blanks is searched in the middle of a run", () => expect(occurrences(["他们关闭了码头"], ["码头"])).toHaveLength(1));

test("the terms of a query are its phrases and words, without what it excludes", () =>
  expect(termsOf('"closed quay" OR pier* -storm -"high water" (pier)')).toEqual(["closed quay", "pier"]));
