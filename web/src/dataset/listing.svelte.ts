/** Recordings as a list shows them: what is asked of them stands in the address, and some may be picked. */
import { SvelteSet } from "svelte/reactivity";
import { ask, query } from "../api/client";
import type { ItemList, ListedItem } from "../api/types";

/** The most that the API gives at once. */
export const AT_ONCE = 100;

export const ASKED = ["title", "status", "language", "speaker", "order"] as const;
export type Asked = Partial<Record<(typeof ASKED)[number], string>>;

/** What an address asks of a list. */
export const askedIn = (address: URLSearchParams): Asked =>
  Object.fromEntries(ASKED.map((name) => [name, address.get(name) ?? ""] as const).filter(([, value]) => value));

/** The query of an address that asks this; empty where nothing is asked. */
export const addressOf = (asked: Asked): string => query(asked);

export class Listing {
  items = $state<ListedItem[]>();
  total = $state(0);
  /** How many are wanted; grows by the button below the list. */
  wanted: number;
  readonly picked = new SvelteSet<number>();
  private turn = 0;

  constructor(
    private readonly path: string,
    wanted: number,
  ) {
    this.wanted = $state(wanted);
  }

  /** Ask for all that is to be shown. An answer that was overtaken by a later question counts no more. */
  async look(asked: Asked): Promise<void> {
    const turn = ++this.turn;
    const found: ListedItem[] = [];
    for (;;) {
      const limit = Math.min(AT_ONCE, this.wanted - found.length);
      const page = await ask<ItemList>("GET", `${this.path}${query({ ...asked, limit, offset: found.length })}`);
      if (turn !== this.turn) return;
      found.push(...page.items);
      this.total = page.total;
      if (page.items.length < limit || found.length >= this.wanted) break;
    }
    this.items = found;
    for (const id of this.picked) if (!found.some((item) => item.id === id)) this.picked.delete(id);
  }

  get shownArePicked(): boolean {
    return !!this.items?.length && this.items.every((item) => this.picked.has(item.id));
  }

  pickShown(on: boolean): void {
    if (on) for (const item of this.items ?? []) this.picked.add(item.id);
    else this.picked.clear();
  }

  pick(id: number, on: boolean): void {
    if (on) this.picked.add(id);
    else this.picked.delete(id);
  }

  /** The picked ones in the order of the list. */
  get pickedItems(): ListedItem[] {
    return (this.items ?? []).filter((item) => this.picked.has(item.id));
  }
}
