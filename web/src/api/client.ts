/** Asks the server; the session's cookie goes along by itself. */
import { t } from "../words/words.svelte";
import type { Problem } from "./types";

/** Writes carry it, which pages of other origins cannot add. */
export const PAGE_HEADER = { "X-Echoic-Request": "page" };

/** An answer that is no success; `message` is a sentence for people. */
export class Refused extends Error {
  constructor(
    message: string,
    /** 0 when the server could not be reached. */
    readonly status: number,
    readonly code: string,
    /** The item that the refusal is about, as that of the same bytes. */
    readonly itemId: number | null = null,
  ) {
    super(message);
  }
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Called when a request is refused because nobody is signed in. */
let signedOut: () => void = () => undefined;

export function whenSignedOut(act: () => void): void {
  signedOut = act;
}

/** Send a request and return the body of the answer, or undefined where it has none. Throws Refused. */
export async function ask<T>(method: Method, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const init: RequestInit = { method, headers: method === "GET" ? {} : { ...PAGE_HEADER } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers = { ...init.headers, "Content-Type": "application/json" };
  }
  if (signal) init.signal = signal;
  let answer: Response;
  try {
    answer = await fetch(path, init);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(t("unreachable"), 0, "unreachable");
  }
  if (!answer.ok) throw await refusalOf(answer, path);
  if (answer.status === 204) return undefined as T;
  return (await answer.json()) as T;
}

export async function refusalOf(answer: Response, path: string): Promise<Refused> {
  // Of a duplicate the refusal names the item, which stands in the document of no other.
  const problem = (await answer.json().catch(() => ({}))) as Partial<Problem> & { item_id?: number };
  if (answer.status === 401 && !path.startsWith("/api/sign-in")) signedOut();
  return new Refused(problem.message ?? t("answeredOtherwise", { status: answer.status }), answer.status, problem.code ?? "unknown", problem.item_id ?? null);
}

/** The query string of the values that are given, with its question mark, or an empty string. */
export function query(values: Record<string, string | number | boolean | undefined | null>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `?${new URLSearchParams(given.map(([name, value]) => [name, String(value)]))}` : "";
}

/** What went wrong, as a sentence. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
