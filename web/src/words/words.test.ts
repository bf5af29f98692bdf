import { expect, test } from "vitest";
import { de } from "./de";
import { en } from "./en";
import { later as laterDe } from "./later.de";
import { later } from "./later.en";

const SOURCES: Record<string, string> = import.meta.glob(["../**/*.ts", "../**/*.svelte", "!../words/*", "!../**/*.test.ts", "!../api/schema.d.ts"], { query: "?raw", import: "default", eager: true });
const IMPORT = /^\s*import\s+(?!type\b)(?:[^;"]*?from\s+)?"(\.[^"]+)"/gm;

/** The modules that a module needs at once, itself included. */
function needed(path: string, found = new Set<string>()): Set<string> {
  const source = SOURCES[path];
  if (source === undefined || found.has(path)) return found;
  found.add(path);
  for (const [, spec = ""] of source.matchAll(IMPORT)) {
    const address = new URL(spec, `https://page.example/src/${path.slice(3)}`).pathname.slice("/src/".length);
    for (const end of ["", ".ts", ".svelte"]) needed(`../${address}${end}`, found);
  }
  return found;
}

test("the frame and a recording say nothing by words that come later", () => {
  const modules = needed("../App.svelte");
  expect(modules).toContain("../item/Acts.svelte");
  const said = [...modules].flatMap((path) => [...(SOURCES[path] ?? "").matchAll(/["'](\w+)["']/g)].map(([, word]) => word ?? ""));
  expect(said.filter((word) => word in en).length).toBeGreaterThan(100);
  expect(said.filter((word) => word in later)).toEqual([]);
});

test("no word is there twice, and every language has the same", () => {
  expect(Object.keys(en).filter((key) => key in later)).toEqual([]);
  expect(Object.keys(de)).toEqual(Object.keys(en));
  expect(Object.keys(laterDe)).toEqual(Object.keys(later));
});
