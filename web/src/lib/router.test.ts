import { expect, test } from "vitest";
import { routeOf } from "./router.svelte";

test.each([
  ["/", "home", {}],
  ["/datasets/7", "dataset", { id: "7" }],
  ["/items/12", "item", { id: "12" }],
  ["/podcast/anna-s-dataset-7", "dataset", { id: "7" }],
  ["/podcast/7", "dataset", { id: "7" }],
  ["/podcast/anna-s-dataset-7/episode/q3-review-2026-12", "item", { id: "12" }],
  ["/podcast/7/episode/12", "item", { id: "12" }],
  ["/podcast/7/episode/twelve", "missing", {}],
  ["/search", "search", {}],
  ["/account", "account", {}],
  ["/sign-in", "signIn", {}],
  ["/people", "people", { slug: "" }],
  ["/people/caf%C3%A9", "people", { slug: "café" }],
  ["/people/caf%C3%A9/3", "person", { slug: "café", id: "3" }],
  ["/entities", "entities", {}],
  ["/entities/12", "entity", { id: "12" }],
  ["/entities/product/AC%2FDC%20100%25", "named", { type: "product", name: "AC/DC 100%" }],
  ["/entities/animal/Rex", "missing", {}],
  ["/people/%E0%A4%A", "missing", {}],
  ["/items/twelve", "missing", {}],
  ["/api/items/1", "missing", {}],
])("%s is the route %s", (path, name, params) => expect(routeOf(path)).toEqual({ name, params }));
