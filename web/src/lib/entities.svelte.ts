/** Named entities: their types in words, and the address of each. */
import { t } from "../words/words.svelte";

export const ENTITY_TYPES = ["person", "organization", "place", "product"] as const;
const WORDS = { person: "person", organization: "organization", place: "location", product: "product" } as const;

export const typeName = (type: string): string => (type in WORDS ? t(WORDS[type as keyof typeof WORDS]) : type);

export function entityAddress(type: string, name: string, library = ""): string {
  const narrowed = library ? `?${new URLSearchParams({ library })}` : "";
  return `/entities/${encodeURIComponent(type)}/${encodeURIComponent(name)}${narrowed}`;
}
