import { expect, test } from "vitest";
import { bars, voices } from "./waveform";

test("bars are the loudest sample of their part, in proportion to the loudest of all", () => {
  expect(bars(Int8Array.of(-10, 0, 0, 100, -50, 50, 0, 0), 2)).toEqual([1, 0.5]);
  expect(bars(Int8Array.of(-64, 64), 4)).toEqual([1, 1, 1, 1]);
});

test("silence is not drawn as noise", () => {
  expect(bars(Int8Array.of(-1, 1, 0, 0), 2)).toEqual([1 / 12, 0]);
});

test("a bar has the voice that speaks at its middle, and none in a pause", () => {
  const lanes = [
    { start: 0, end: 2, voice: 1 },
    { start: 3, end: 4, voice: 0 },
  ];
  expect(voices(lanes, 4, 4)).toEqual([1, 1, -1, 0]);
});
