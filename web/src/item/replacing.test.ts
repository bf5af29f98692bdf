import { expect, test } from "vitest";
import type { Segment } from "../api/types";
import { preview } from "./replacing";

const LINES = ["The pier and the Pier.", "A pierced peer"].map((text, id) => ({ id, text }) as Segment);
const count = (find: string, matchCase: boolean, wholeWords: boolean): number => preview(LINES, { find, replace: "quay", matchCase, wholeWords }).count;

test("case and whole words are regarded where they are asked for", () => {
  expect([count("pier", false, false), count("pier", true, false), count("pier", false, true), count("pier", true, true)]).toEqual([3, 2, 2, 1]);
});

test("a line is shown with what goes and what comes", () =>
  expect(preview(LINES, { find: "pier", replace: "quay", matchCase: true, wholeWords: true }).lines[0]?.pieces).toEqual([
    { text: "The ", kind: "same" },
    { text: "pier", kind: "removed" },
    { text: "quay", kind: "added" },
    { text: " and the Pier.", kind: "same" },
  ]));

test("nothing is found for nothing", () => expect(count("  ", false, false)).toBe(0));
