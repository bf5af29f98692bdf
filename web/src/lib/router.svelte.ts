/** Which route the address names. Links within the page change the address without loading the page again. */

export interface Place {
  path: string;
  query: URLSearchParams;
}

export interface Route {
  name: RouteName;
  params: Record<string, string>;
}

export type RouteName = "home" | "libraries" | "library" | "dataset" | "item" | "search" | "ask" | "people" | "person" | "entities" | "entity" | "named" | "account" | "admin" | "record" | "quotes" | "alerts" | "alert" | "webhooks" | "pricing" | "authorize" | "signIn" | "missing";

const ROUTES: [RegExp, RouteName, string[]][] = [
  [/^\/$/, "home", []],
  [/^\/libraries$/, "libraries", []],
  [/^\/libraries\/([^/]+)$/, "library", ["slug"]],
  [/^\/datasets\/(\d+)$/, "dataset", ["id"]],
  [/^\/items\/(\d+)$/, "item", ["id"]],
  // Addresses of the public Audioscrape API: of a slug the number at its end counts.
  [/^\/podcast\/(?:[^/]*-)?(\d+)$/, "dataset", ["id"]],
  [/^\/podcast\/[^/]+\/episode\/(?:[^/]*-)?(\d+)$/, "item", ["id"]],
  [/^\/search$/, "search", []],
  [/^\/ask$/, "ask", []],
  [/^\/account$/, "account", []],
  [/^\/record$/, "record", []],
  [/^\/quotes$/, "quotes", []],
  [/^\/alerts$/, "alerts", []],
  [/^\/alerts\/(new|\d+)$/, "alert", ["id"]],
  [/^\/webhooks(?:\/(\d+))?$/, "webhooks", ["id"]],
  [/^\/admin(?:\/([a-z]+))?$/, "admin", ["part"]],
  [/^\/pricing$/, "pricing", []],
  [/^\/sign-in$/, "signIn", []],
  [/^\/oauth\/authorize$/, "authorize", []],
  [/^\/people(?:\/([^/]+))?$/, "people", ["slug"]],
  [/^\/people\/([^/]+)\/(\d+)$/, "person", ["slug", "id"]],
  [/^\/entities$/, "entities", []],
  [/^\/entities\/(\d+)$/, "entity", ["id"]],
  [/^\/entities\/(person|organization|place|product)\/(.+)$/, "named", ["type", "name"]],
];

/** The route of a path, with the values that the path names. */
export function routeOf(path: string): Route {
  for (const [pattern, name, names] of ROUTES) {
    const found = pattern.exec(path);
    if (!found) continue;
    const given = names.map((key, place) => [key, decoded(found[place + 1] ?? "")] as const);
    if (given.some(([, value]) => value === undefined)) break;
    return { name, params: Object.fromEntries(given) as Record<string, string> };
  }
  return { name: "missing", params: {} };
}

/** A part of a path; undefined where its percent signs stand for nothing. */
function decoded(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

const here = (): Place => ({ path: location.pathname, query: new URLSearchParams(location.search) });

export const place = $state<{ now: Place }>({ now: { path: "/", query: new URLSearchParams() } });

/** Go to an address of the page; `replace` leaves no step to go back to. */
export function go(address: string, { replace = false } = {}): void {
  history[replace ? "replaceState" : "pushState"](null, "", address);
  const before = place.now.path;
  place.now = here();
  if (before !== place.now.path) scrollTo(0, 0);
}

/** Let the address name other values, without a step to go back to and without telling the routes. */
export function amend(values: Record<string, string>): void {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(values)) query.set(name, value);
  history.replaceState(null, "", `${location.pathname}?${query}${location.hash}`);
}

/** Follow links and the browser's own buttons; called once. */
export function startRouter(): void {
  place.now = here();
  addEventListener("popstate", () => (place.now = here()));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
    if (routeOf(link.pathname).name === "missing") return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  });
}
