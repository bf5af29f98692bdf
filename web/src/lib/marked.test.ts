import { expect, test } from "vitest";
import { pieces } from "./marked";

test("words that matched are told from the others", () =>
  expect(pieces("the <mark>release</mark> date")).toEqual([
    { text: "the ", marked: false },
    { text: "release", marked: true },
    { text: " date", marked: false },
  ]));

test("what is escaped is shown as it was said", () =>
  expect(pieces("a &lt;b&gt; &amp;amp; <mark>&quot;it&#x27;s&quot;</mark>")).toEqual([
    { text: "a <b> &amp; ", marked: false },
    { text: "\"it's\"", marked: true },
  ]));

test("another tag stays text", () =>
  expect(pieces("<img src=x onerror=alert(1)>")).toEqual([{ text: "<img src=x onerror=alert(1)>", marked: false }]));
