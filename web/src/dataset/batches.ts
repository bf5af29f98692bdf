/** Many recordings of a dataset at once: as many requests as they need, with word of how far they are. */
import { ask } from "../api/client";
import type { Batch, DatasetReplaced, RefusedItem, ReplacedItem } from "../api/types";

/** The most that the API takes in one request. */
export const AT_ONCE = 100;

type Told = (done: number) => void;

/** Do the same with all of these; returns what became of each. */
export async function inBatches(datasetId: number, act: "delete" | "move" | "transcribe", ids: readonly number[], more: object, told: Told): Promise<Batch> {
  const whole: Batch = { done: [], refused: [] };
  for (let start = 0; start < ids.length; start += AT_ONCE) {
    told(start);
    const some = ids.slice(start, start + AT_ONCE);
    const { done, refused } = await ask<Batch>("POST", `/api/datasets/${datasetId}/items/${act}`, { ...more, items: some });
    whole.done.push(...done);
    whole.refused.push(...refused);
  }
  return whole;
}

export interface Replacing {
  find: string;
  replace: string;
  match_case: boolean;
  whole_words: boolean;
}

/** Look for a text in all transcripts, or replace it in those of `items`; goes on until the last one. */
export async function replaceInAll(
  datasetId: number,
  wanted: Replacing,
  how: { preview: boolean; items?: readonly number[] },
  told: (found: readonly ReplacedItem[]) => void,
): Promise<{ items: ReplacedItem[]; refused: RefusedItem[] }> {
  const [items, refused]: [ReplacedItem[], RefusedItem[]] = [[], []];
  const parts = how.items ? chunks(how.items) : [undefined];
  for (const part of parts) {
    let after: number | null = 0;
    while (after !== null) {
      const body: object = { ...wanted, preview: how.preview, after, limit: AT_ONCE, ...(part ? { items: part } : {}) };
      const answer: DatasetReplaced = await ask<DatasetReplaced>("POST", `/api/datasets/${datasetId}/replace`, body);
      items.push(...answer.items);
      refused.push(...answer.refused);
      told(items);
      after = answer.next_after;
    }
  }
  return { items, refused };
}

function chunks(ids: readonly number[]): number[][] {
  const parts: number[][] = [];
  for (let start = 0; start < ids.length; start += AT_ONCE) parts.push(ids.slice(start, start + AT_ONCE));
  return parts;
}
