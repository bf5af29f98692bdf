import { expect, test } from "vitest";
import { broughtBy } from "./entry";

test.each([
  ["", {}],
  ["#token=et_1", { token: "et_1" }],
  ["#invitation=ei_a-b", { invitation: "ei_a-b" }],
  ["#refused=oidc_refused", { refused: "oidc_refused" }],
  ["#token=&other=1", {}],
])("%s brings %o", (hash, brought) => expect(broughtBy(hash)).toEqual(brought));
