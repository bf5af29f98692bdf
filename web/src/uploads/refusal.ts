/** Why the server did not take an upload, or what kept it from answering. */
import type { DetailedError } from "tus-js-client";

export interface Refusal {
  /** 0 when the server could not be reached. */
  status: number;
  code: string;
  message: string;
  /** The item that holds the same bytes. */
  itemId: number | null;
}

export function refusalIn(told: DetailedError | undefined, error: Error): Refusal {
  const status = told?.originalResponse?.getStatus() ?? 0;
  const body = jsonIn(told?.originalResponse?.getBody());
  return { status, code: body.code ?? "unreachable", message: body.message ?? error.message, itemId: body.item_id ?? null };
}

/** Why the server refused, in its own words where it gave some. */
export const reasonIn = (body: string | undefined, error: Error): string => jsonIn(body).message ?? error.message;

function jsonIn(text: string | undefined): { message?: string; code?: string; item_id?: number } {
  try {
    return JSON.parse(text ?? "{}") as { message?: string };
  } catch {
    return {};
  }
}
