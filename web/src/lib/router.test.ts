import { expect, test } from "vitest";
import { routeOf } from "./router.svelte";

test.each([
  ["/", "home", {}],
  ["/datasets/7", "dataset", { id: "7" }],
  ["/items/12", "item", { id: "12" }],
  ["/search", "search", {}],
  ["/account", "account", {}],
  ["/sign-in", "signIn", {}],
  ["/people", "people", { slug: "" }],
  ["/people/caf%C3%A9", "people", { slug: "café" }],
  ["/items/twelve", "missing", {}],
  ["/api/items/1", "missing", {}],
])("%s is the route %s", (path, name, params) => expect(routeOf(path)).toEqual({ name, params }));
