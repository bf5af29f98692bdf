/** A search as it stands in the address, and as the API takes it. Pure. */
import type { SearchRequest } from "../api/types";
import { pieces } from "./marked";

/** Filters that may have several values, by their names in the address, with those of the API. */
export const CHOICES = { library: "libraries", dataset: "datasets", speaker: "speakers", entity: "entities", language: "languages" } as const;
export type Choice = keyof typeof CHOICES;
export const CHOICE_NAMES = Object.keys(CHOICES) as Choice[];
export const QUALITIES = ["0.6", "0.8", "0.9"] as const;
export const KINDS = ["text", "semantic"] as const;
const SEARCH = "/search";
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The body for the API; parts of the address that cannot be are left out. */
export function requestOf(address: URLSearchParams, limit: number, offset: number, counted: boolean): SearchRequest {
  const filters: NonNullable<SearchRequest["filters"]> = {};
  const texts = (name: Choice): string[] => address.getAll(name).filter(Boolean);
  if (texts("library").length) filters.libraries = texts("library");
  if (texts("dataset").length) filters.datasets = texts("dataset").map(Number).filter(Number.isSafeInteger);
  if (texts("speaker").length) filters.speakers = texts("speaker");
  if (texts("entity").length) filters.entities = texts("entity");
  if (texts("language").length) filters.languages = texts("language");
  const quality = Number(address.get("quality"));
  if (quality > 0 && quality <= 1) filters.min_confidence = quality;
  const [start, end] = [dayOf(address.get("from")), dayOf(address.get("to"))];
  if (start || end) filters.date_range = { start, end };
  const kind = KINDS.find((one) => one === address.get("kind"));
  return {
    query: (address.get("q") ?? "").trim(),
    filters,
    options: { include_highlights: true, include_context: false, include_aggregations: counted },
    limit,
    offset,
    sort: { field: address.get("sort") === "date" ? "date" : "relevance", order: "desc" },
    ...(kind ? { search_type: kind } : {}),
  };
}

const dayOf = (text: string | null): string | null => (text && DAY.test(text) && !Number.isNaN(Date.parse(text)) ? text : null);

/** The address, on the search's route or another, with another value in place of a filter's; without one the filter is left out. */
export function withValue(address: URLSearchParams, name: string, value: string, path = SEARCH): string {
  const changed = new URLSearchParams(address);
  if (value) changed.set(name, value);
  else changed.delete(name);
  return addressOf(changed, path);
}

/** The address with a value added to a filter's, or taken from them where it was among them. */
export function toggled(address: URLSearchParams, name: Choice, value: string, path = SEARCH): string {
  const changed = new URLSearchParams(address);
  const values = changed.getAll(name);
  changed.delete(name);
  for (const one of values.includes(value) ? values.filter((kept) => kept !== value) : [...values, value]) changed.append(name, one);
  return addressOf(changed, path);
}

export const addressOf = (address: URLSearchParams, path = SEARCH): string => (address.size ? `${path}?${address}` : path);

/** What was found in a result, as it is written there, each once. */
export function foundIn(html: string): string[] {
  const found = new Map<string, string>();
  for (const { text, marked } of pieces(html)) if (marked && !found.has(text.toLocaleLowerCase())) found.set(text.toLocaleLowerCase(), text);
  return [...found.values()];
}

/** Texts as a query for them, which a recording marks: with blanks in them they are phrases. */
export const queryFor = (texts: readonly string[]): string => texts.map((text) => (/\s/.test(text) ? `"${text}"` : text)).join(" ");

/** The address of a moment in a recording at which these texts are to be marked. */
export function momentAddress(item: number, seconds: number, marked: readonly string[]): string {
  const query = new URLSearchParams({ t: String(Math.floor(seconds)) });
  if (marked.length) query.set("find", queryFor(marked));
  return `/items/${item}?${query}`;
}

/** Results by recording, in the order in which the recordings first appear. */
export function byItem<Result extends { item_id: number }>(results: readonly Result[]): Result[][] {
  const groups = new Map<number, Result[]>();
  for (const one of results) {
    const group = groups.get(one.item_id);
    if (group) group.push(one);
    else groups.set(one.item_id, [one]);
  }
  return [...groups.values()];
}
