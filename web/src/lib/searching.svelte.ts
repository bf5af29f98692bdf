/** The search that is going on: its newest answer counts, whichever comes first. */
import { ask, Refused } from "../api/client";
import type { Buckets, SearchAnswer, SearchRequest, SearchResult } from "../api/types";
import { requestOf } from "./search";

const PAGE = 30;

type Send = (body: SearchRequest, signal: AbortSignal) => Promise<SearchAnswer>;
const send: Send = (body, signal) => ask<SearchAnswer>("POST", "/api/search", body, signal);

export class Searching {
  answer = $state.raw<SearchAnswer>();
  results = $state.raw<SearchResult[]>([]);
  /** Counts of the first page, which hold for all pages. */
  counts = $state.raw<Buckets | null>(null);
  /** The query that `results` answer. */
  answered = $state("");
  failure = $state("");
  busy = $state(false);
  private under: AbortController | undefined;

  constructor(private readonly post: Send = send) {}

  /** Look for what an address says; an earlier search that is still under way is given up. */
  async start(address: URLSearchParams): Promise<void> {
    this.under?.abort();
    this.failure = "";
    if (requestOf(address, PAGE, 0, false).query) await this.page(address, 0);
    else this.show(undefined, [], "");
  }

  async more(address: URLSearchParams): Promise<void> {
    await this.page(address, this.results.length);
  }

  private async page(address: URLSearchParams, offset: number): Promise<void> {
    const mine = new AbortController();
    this.under = mine;
    this.busy = true;
    const body = requestOf(address, PAGE, offset, offset === 0);
    try {
      const answer = await this.post(body, mine.signal);
      if (this.under !== mine) return;
      if (!offset) this.counts = answer.aggregations;
      this.show(answer, offset ? [...this.results, ...answer.results] : answer.results, body.query);
    } catch (error) {
      if (this.under !== mine || mine.signal.aborted) return;
      if (!(error instanceof Refused)) throw error;
      if (!offset) this.show(undefined, [], body.query);
      this.failure = error.message;
    } finally {
      if (this.under === mine) this.busy = false;
    }
  }

  private show(answer: SearchAnswer | undefined, results: SearchResult[], query: string): void {
    this.answer = answer;
    this.results = results;
    this.answered = query;
  }
}
