/** What a dataset hides, as a form shows it, and what the API takes for that. */
import type { Dataset, DatasetChange } from "../api/types";
import type { Key } from "../words/en";

type Change = NonNullable<DatasetChange["redaction"]>;
type Kind = NonNullable<Change["kinds"]>[number];
type Role = NonNullable<Change["original_roles"]>[number];

export const KINDS = [
  ["person", "hidePeople"],
  ["phone", "hidePhones"],
  ["email", "hideEmails"],
  ["address", "hideAddresses"],
  ["card", "hideCards"],
  ["iban", "hideIbans"],
] as const satisfies readonly (readonly [Kind, Key])[];

/** Who reads the original: from few to many. */
export const READERS = [
  ["owner", "originalOwners"],
  ["editor", "originalEditors"],
  ["viewer", "originalMembers"],
] as const satisfies readonly (readonly [Role, Key])[];

export interface Hidden {
  kinds: Kind[];
  /** A word or phrase a line. */
  words: string;
  readers: Role;
}

export function hiddenIn(dataset: Dataset): Hidden {
  const roles = dataset.redaction?.original_roles ?? [];
  return {
    kinds: KINDS.map(([kind]) => kind).filter((kind) => dataset.redaction?.kinds.includes(kind)),
    words: (dataset.redaction?.words ?? []).join("\n"),
    readers: roles.includes("viewer") ? "viewer" : roles.includes("editor") ? "editor" : "owner",
  };
}

/** What is sent: nothing where nothing differs, null where nothing is hidden any more. */
export function changedHidden(dataset: Dataset, hidden: Hidden): { redaction?: Change | null } {
  if (JSON.stringify(hiddenIn(dataset)) === JSON.stringify(hidden)) return {};
  const words = hidden.words.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!words.length && !hidden.kinds.length) return dataset.redaction ? { redaction: null } : {};
  const roles = READERS.map(([role]) => role);
  return { redaction: { kinds: hidden.kinds, words, original_roles: roles.slice(0, roles.indexOf(hidden.readers) + 1) } };
}
