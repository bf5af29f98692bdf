import { expect, test } from "vitest";
import type { Segment } from "../api/types";
import { textsChanged } from "./meanwhile";

const line = (id: number, text: string, speaker = "SPEAKER_00"): Segment =>
  ({ id, text, speaker, start: id * 2, end: id * 2 + 1, speaker_name: null, quality: "ok", language: null, words: [] }) as unknown as Segment;

test("lines that say something else are named one by one", () => {
  const before = [line(0, "one"), line(1, "two"), line(2, "three")];
  expect(textsChanged(before, [line(0, "one"), line(1, "zwei"), line(2, "three")])).toEqual([line(1, "zwei")]);
  expect(textsChanged(before, before)).toEqual([]);
});

test("another speaker, a line more or one without words changes all", () => {
  const before = [line(0, "one"), line(1, "two")];
  expect(textsChanged(before, [line(0, "one"), line(1, "two", "SPEAKER_01")])).toBeUndefined();
  expect(textsChanged(before, [line(0, "one")])).toBeUndefined();
  expect(textsChanged(before, [line(0, "one"), line(1, "")])).toBeUndefined();
});
