/** Named entities: their types in words, and the address of each. */
import { t } from "../words/words.svelte";

export const ENTITY_TYPES = ["person", "organization", "place", "product"] as const;
const WORDS = { person: "person", organization: "organization", place: "location", product: "product" } as const;

export const typeName = (type: string): string => (type in WORDS ? t(WORDS[type as keyof typeof WORDS]) : type);

const narrowed = (library: string): string => (library ? `?${new URLSearchParams({ library })}` : "");

export const entityAddress = (id: number, library = ""): string => `/entities/${id}${narrowed(library)}`;

/** The address of a name as a recording has it; it leads on to that of the entity. */
export function nameAddress(type: string, name: string, library = ""): string {
  return `/entities/${encodeURIComponent(type)}/${encodeURIComponent(name)}${narrowed(library)}`;
}

/** Whether two names are the same but for case, blanks and the forms of letters, as the server joins them. */
export function sameName(one: string, other: string): boolean {
  const key = (name: string): string => name.normalize("NFKC").trim().replace(/\s+/g, " ").toLowerCase();
  return key(one) === key(other);
}
