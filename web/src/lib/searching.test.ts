import { expect, test } from "vitest";
import { Refused } from "../api/client";
import type { SearchAnswer, SearchRequest } from "../api/types";
import { Searching } from "./searching.svelte";

const answerTo = (body: SearchRequest, count = 1): SearchAnswer =>
  ({
    results: Array.from({ length: count }, (_, at) => ({ segment_id: `${body.query}-${(body.offset ?? 0) + at}` })),
    meta: { total: 9 },
    aggregations: null,
  }) as unknown as SearchAnswer;
const address = (query: string): URLSearchParams => new URLSearchParams({ q: query });

test("the newest search counts, though an older one is answered later", async () => {
  const held = new Map<string, (answer: SearchAnswer) => void>();
  const searching = new Searching((body) => new Promise((done) => held.set(body.query, () => done(answerTo(body)))));
  const [older, newer] = [searching.start(address("dea")), searching.start(address("deadline"))];
  held.get("deadline")?.({} as SearchAnswer);
  await newer;
  held.get("dea")?.({} as SearchAnswer);
  await older;
  expect([searching.answered, searching.busy]).toEqual(["deadline", false]);
  expect(searching.results.map((one) => one.segment_id)).toEqual(["deadline-0"]);
});

test("further results follow the first", async () => {
  const searching = new Searching((body) => Promise.resolve(answerTo(body, 2)));
  await searching.start(address("a"));
  await searching.more(address("a"));
  expect(searching.results.map((one) => one.segment_id)).toEqual(["a-0", "a-1", "a-2", "a-3"]);
});

test("a refusal is shown in place of results, and an empty query asks nothing", async () => {
  const searching = new Searching(() => Promise.reject(new Refused("It holds no word.", 400, "query_invalid")));
  await searching.start(address("("));
  expect([searching.failure, searching.results, searching.busy]).toEqual(["It holds no word.", [], false]);
  await searching.start(address(" "));
  expect([searching.failure, searching.answered]).toEqual(["", ""]);
});
