/** The last decision about names that was made on this page, which can be undone at once. */
import { ask } from "../api/client";
import type { EntityDecision } from "../api/types";

export interface Decided {
  decision: EntityDecision;
  /** Of the library in which it counts. */
  slug: string;
  /** The id under which the entity was looked at. */
  former: number;
}

export const decided = $state<{ last: Decided | undefined }>({ last: undefined });

export const undo = (slug: string, id: number): Promise<EntityDecision> => ask<EntityDecision>("POST", `/api/libraries/${slug}/entity-decisions/${id}/undo`);
