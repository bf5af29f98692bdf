/** Places that a dataset may watch, as they are offered, named and asked for. */
import type { Source, SourceList } from "../api/types";

export interface Place {
  readonly name: string;
  /** Where it is a folder, its path; undefined for a bucket. */
  readonly folder?: string;
}

/** The places below which the operator lets the dataset watch. */
export function placesIn(list: Pick<SourceList, "folders" | "buckets">): Place[] {
  return [...list.folders.map((folder) => ({ name: folder, folder })), ...list.buckets.map((name) => ({ name }))];
}

/** What people call a source by. */
export function nameOf(source: Pick<Source, "folder" | "bucket" | "prefix">): string {
  return source.folder ?? [source.bucket, source.prefix].filter(Boolean).join("/");
}

/** The request for a source in a place. Objects of a bucket are whole once they are listed, so they need not settle. */
export function bodyOf(place: Place, below: string, whenDone: Source["when_done"]): Record<string, unknown> {
  const inner = below.trim().replace(/^\/+|\/+$/g, "");
  if (place.folder === undefined) return { bucket: place.name, prefix: inner, settle_seconds: 0, when_done: whenDone };
  return { folder: inner ? `${place.folder.replace(/\/+$/, "")}/${inner}` : place.folder, when_done: whenDone };
}
