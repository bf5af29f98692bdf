import { expect, test } from "vitest";
import type { FeedEntry } from "../api/types";
import { mayFetch, reasonOf, withLogin } from "./feeds";

test("a login goes into the address, whatever signs it has", () => {
  const url = new URL(withLogin(" https://a.example/f?x=1 ", "ada@b", "p:/?#ä%"));
  expect([decodeURIComponent(url.username), decodeURIComponent(url.password)]).toEqual(["ada@b", "p:/?#ä%"]);
  expect(url.host + url.pathname + url.search).toBe("a.example/f?x=1");
  expect(withLogin("nowhere", "ada", "x")).toBe("nowhere");
  expect(withLogin("https://a.example/f", "", "")).toBe("https://a.example/f");
});

test("what was left out can be fetched, but for what has no recording", () => {
  const entry = (state: FeedEntry["state"], reason: string | null): FeedEntry => ({ state, reason }) as FeedEntry;
  expect([entry("left_out", "older"), entry("failed", "url_forbidden"), entry("taken", null), entry("left_out", "no_enclosure")].map(mayFetch)).toEqual([true, true, false, false]);
  expect(reasonOf(entry("left_out", "older"))).toBe("reasonOlder");
  expect(reasonOf(entry("failed", "something_new"))).toBeUndefined();
});
