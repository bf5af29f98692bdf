import { expect, test } from "vitest";
import type { Segment } from "../api/types";
import { compare, pieces } from "./compare";

const said = (start: number, text: string, speaker = "A") => ({ start, text, speaker, words: [] }) as unknown as Segment;
const name = (segment: Segment): string => segment.speaker ?? "";
const marked = (before: string, after: string): string =>
  pieces(before, after).map(({ text, kind }) => (kind === "same" ? text : kind === "added" ? `{+${text}+}` : `{-${text}-}`)).join("");

test("words that only one text has are marked, with the blanks behind them", () =>
  expect(marked("We met Jon yesterday.", "We met Joan Weber yesterday.")).toBe("We met {-Jon -}{+Joan Weber +}yesterday."));

test("a language without blanks is compared word by word", () => expect(marked("我喜欢猫", "我喜欢狗")).toBe("我喜欢{-猫-}{+狗+}"));

test("only lines that differ are told, in text or speaker", () => {
  const before = [said(0, "one"), said(2, "two"), said(4, "three")];
  const after = [said(0, "one"), said(2, "too"), said(4, "three", "B")];
  expect(compare(before, after, name).map(({ start, speakers }) => [start, speakers])).toEqual([
    [2, undefined],
    [4, { before: "A", after: "B" }],
  ]);
});

test("versions that are cut otherwise are compared from one common beginning to the next", () => {
  const before = [said(0, "one two three four"), said(8, "five")];
  const after = [said(0.1, "one two"), said(4, "three for"), said(8.2, "five")];
  const [found, ...others] = compare(before, after, name);
  expect(others).toEqual([]);
  expect(found?.pieces.filter((one) => one.kind === "same").map((one) => one.text.trim())).toEqual(["one two three"]);
});

test("a line that only one version has is added behind the one before it", () =>
  expect(compare([said(0, "one")], [said(0, "one"), said(5, "new")], name)).toMatchObject([{ start: 0, pieces: [{ kind: "same" }, { text: "new", kind: "added" }] }]));
