import { expect, test } from "vitest";
import { bodyOf, nameOf, placesIn } from "./watching";

test("a folder within a root and a part of a bucket are asked for by what was typed", () => {
  const [root, bucket] = placesIn({ folders: ["/srv/calls/"], buckets: ["calls"] });
  if (!root || !bucket) throw new Error("both are offered");
  expect(bodyOf(root, " /inbox/ ", "move")).toEqual({ folder: "/srv/calls/inbox", when_done: "move" });
  expect(bodyOf(root, " ", "leave")).toEqual({ folder: "/srv/calls/", when_done: "leave" });
  expect(bodyOf(bucket, "2026/", "mark")).toEqual({ bucket: "calls", prefix: "2026", settle_seconds: 0, when_done: "mark" });
});

test("a source is called by its folder, or by its bucket and prefix", () => {
  expect(nameOf({ folder: "/srv/calls", bucket: null, prefix: null })).toBe("/srv/calls");
  expect(nameOf({ folder: null, bucket: "calls", prefix: "2026" })).toBe("calls/2026");
  expect(nameOf({ folder: null, bucket: "calls", prefix: "" })).toBe("calls");
});
