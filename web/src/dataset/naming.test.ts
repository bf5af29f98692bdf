import { expect, test } from "vitest";
import type { Dataset } from "../api/types";
import { mayUploadInto, nameAmong } from "./naming";

const dataset = (id: number, more: Partial<Dataset> = {}): Dataset =>
  ({ id, name: "Talks", library: "mine", role: "owner", content_type: "uploads", ...more }) as Dataset;

test("a dataset takes uploads of those who may change it, and none where it follows a podcast", () => {
  expect(mayUploadInto(dataset(1))).toBe(true);
  expect(mayUploadInto(dataset(1, { role: "viewer" }))).toBe(false);
  expect(mayUploadInto(dataset(1, { content_type: "podcast" }))).toBe(false);
});

test("of datasets with one name in one library each is told by its number", () => {
  const offered = [dataset(1), dataset(2), dataset(3, { library: "theirs" }), dataset(4, { name: "Calls" })];
  expect(offered.map((one) => nameAmong(offered, one) === one.name)).toEqual([false, false, true, true]);
});
