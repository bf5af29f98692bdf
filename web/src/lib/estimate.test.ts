import { expect, test } from "vitest";
import { secondsLeft, type Progress } from "./estimate";

const at = (seconds: number | null, stage: string | null = "transcribe", id = 1): Progress => ({ id, stage, progress_seconds: seconds, duration_seconds: 100 });

test("the time left follows from the speed that was seen", () => {
  expect(secondsLeft(at(10), 0)).toBeUndefined();
  expect(secondsLeft(at(10), 9_000)).toBeUndefined();
  expect(secondsLeft(at(30), 10_000)).toBe(35);
  expect(secondsLeft(at(50), 20_000)).toBe(25);
});

test("another step, a step made again, and a step without progress are measured from their beginning", () => {
  expect(secondsLeft(at(0, "diarize"), 30_000)).toBeUndefined();
  expect(secondsLeft(at(50, "diarize"), 31_000)).toBeUndefined();
  expect(secondsLeft(at(50, "diarize"), 40_000)).toBe(10);
  expect(secondsLeft(at(20, "diarize"), 41_000)).toBeUndefined();
  expect(secondsLeft(at(null, "entities"), 42_000)).toBeUndefined();
  expect(secondsLeft(at(40, "diarize"), 50_000)).toBeUndefined();
});

test("recordings are measured apart", () => {
  expect(secondsLeft(at(0, "transcribe", 2), 0)).toBeUndefined();
  expect(secondsLeft(at(50, "transcribe", 3), 10_000)).toBeUndefined();
  expect(secondsLeft(at(50, "transcribe", 2), 10_000)).toBe(10);
});
