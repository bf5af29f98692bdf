/** Decisions about names, in words. */
import type { EntityDecision } from "../api/types";
import type { Key } from "../words/en";

export type Kind = EntityDecision["kind"];

export const DONE: Record<Kind, Key> = { rename: "entityRenamed", merge: "entitiesMerged", split: "entitySplit", hide: "entityHidden" };
