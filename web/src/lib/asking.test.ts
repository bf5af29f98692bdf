import { expect, it } from "vitest";
import type { AnswerSentence } from "../api/types";
import { placesOf } from "./asking.svelte";

it("numbers each place once, in the order in which sentences name them", () => {
  const citation = (segment: string): AnswerSentence["citations"][number] => ({ moment: 1, item_id: 7, segment_id: segment, start: 1, end: 2, quote: "q", url: "u" });
  const sentence = (...segments: string[]): AnswerSentence => ({ text: "It is.", supported: true, unsupported_because: null, citations: segments.map(citation) });
  const places = placesOf([sentence("7_9", "7_1"), sentence("7_1", "8_4"), sentence()]);
  expect(places.map((one) => [one.segment_id, one.number])).toEqual([["7_9", 1], ["7_1", 2], ["8_4", 3]]);
});
