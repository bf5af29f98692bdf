/** Alerts as addresses of a search, and the way back. A search has filters that an alert has not: dates and order are none of its own. */
import { ask, query } from "../api/client";
import type { Alert, AlertFilters } from "../api/types";
import { addressOf, requestOf } from "../lib/search";

const PAGE = 100;
const NOT_OF_ALERTS = ["from", "to", "kind", "sort"];

/** Filters of an alert by their names in an address; others are set by the API alone. */
const NAMES = { libraries: "library", datasets: "dataset", speakers: "speaker", entities: "entity", languages: "language", min_confidence: "quality" } as const;

/** The address at which an alert is made of a search. */
export function alertFor(search: URLSearchParams): string {
  const wanted = new URLSearchParams(search);
  for (const name of NOT_OF_ALERTS) wanted.delete(name);
  return addressOf(wanted, "/alerts/new");
}

/** The query and the filters of an alert as an address has them. */
export function searchOf(alert: Pick<Alert, "search_term" | "filters">): URLSearchParams {
  const search = new URLSearchParams({ q: alert.search_term });
  for (const [filter, name] of Object.entries(NAMES)) {
    const given: unknown = alert.filters[filter];
    if (given === undefined) continue;
    for (const value of Array.isArray(given) ? given : [given]) search.append(name, String(value));
  }
  return search;
}

/** The filters that an address names, with those of the alert that no address can name. */
export function filtersOf(search: URLSearchParams, kept: Alert["filters"] = {}): AlertFilters {
  const others = Object.entries(kept).filter(([filter]) => !(filter in NAMES));
  const { date_range: _, ...named } = requestOf(search, 1, 0, false).filters ?? {};
  return { ...Object.fromEntries(others), ...named } as AlertFilters;
}

/** What an alert would find now: the newest first, by its own words only. */
export function previewOf(search: URLSearchParams): URLSearchParams {
  const wanted = new URLSearchParams(search);
  for (const name of NOT_OF_ALERTS) wanted.delete(name);
  wanted.set("kind", "text");
  wanted.set("sort", "date");
  return wanted;
}

/** All alerts of the account, which may have more than one page of them. */
export async function allAlerts(): Promise<Alert[]> {
  const all: Alert[] = [];
  for (;;) {
    const page = await ask<Alert[]>("GET", `/api/notifications${query({ limit: PAGE, offset: all.length })}`);
    all.push(...page);
    if (page.length < PAGE) return all;
  }
}
