/** The search that is going on. While one is asked, those typed meanwhile wait, and only the newest of them is asked: a server goes on
 * with a search that nobody waits for any more, and would answer the newest the later. */
import { ask, Refused } from "../api/client";
import type { Buckets, SearchAnswer, SearchRequest, SearchResult } from "../api/types";
import { requestOf } from "./search";

const PAGE = 30;
/** A search that takes longer is given up once another waits. */
const PATIENCE_MS = 700;

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
  private next: URLSearchParams | undefined;
  private isAsking = false;
  private impatient: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly post: Send = send) {}

  /** Look for what an address says, at once or after the search that is under way, whose answer counts no more. */
  async start(address: URLSearchParams): Promise<void> {
    this.failure = "";
    this.next = address;
    if (this.isAsking) {
      if (isEmpty(address)) this.under?.abort();
      else this.impatient ??= setTimeout(() => this.under?.abort(), PATIENCE_MS);
      return;
    }
    this.isAsking = true;
    try {
      while (this.next) await this.first(this.next);
    } finally {
      this.isAsking = false;
    }
  }

  private async first(address: URLSearchParams): Promise<void> {
    this.next = undefined;
    if (isEmpty(address)) this.show(undefined, [], "");
    else await this.page(address, 0);
    clearTimeout(this.impatient);
    this.impatient = undefined;
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
      if (this.under !== mine || this.next) return;
      if (!offset) this.counts = answer.aggregations;
      this.show(answer, offset ? [...this.results, ...answer.results] : answer.results, body.query);
    } catch (error) {
      if (this.under !== mine || this.next || mine.signal.aborted) return;
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

const isEmpty = (address: URLSearchParams): boolean => !requestOf(address, PAGE, 0, false).query;
