/** Feeds as the page tells of them: their states and those of their episodes in words, and addresses with a login. Pure. */
import type { Feed, FeedEntry } from "../api/types";
import type { Key } from "../words/en";

export const STATES: Record<Feed["state"], Key> = {
  new: "feedNew",
  active: "feedActive",
  failing: "feedFailing",
  paused: "feedPaused",
  ended: "feedEnded",
};

export const ENTRY_STATES: Record<FeedEntry["state"], Key> = {
  waiting: "entryWaiting",
  taken: "entryTaken",
  left_out: "entryLeftOut",
  failed: "entryFailed",
};

const REASONS: Record<string, Key> = {
  older: "reasonOlder",
  no_enclosure: "reasonNoEnclosure",
  repeated: "reasonRepeated",
  not_audio: "reasonNotAudio",
  format_not_allowed: "reasonFormat",
  file_too_large: "reasonTooLarge",
  quota_exhausted: "reasonMinutes",
  storage_exhausted: "reasonRoom",
};

/** Why an episode is not there, where the page has words for it; others are told in the server's sentence. */
export const reasonOf = (entry: FeedEntry): Key | undefined => (entry.reason ? REASONS[entry.reason] : undefined);

/** Whether an episode can be fetched by hand. */
export const mayFetch = (entry: FeedEntry): boolean =>
  entry.state === "failed" || (entry.state === "left_out" && entry.reason !== "no_enclosure" && entry.reason !== "repeated");

/** An address with the name and the password that its host asks for. What is no address stays as it is, for the server to refuse. */
export function withLogin(address: string, name: string, password: string): string {
  if (!name && !password) return address.trim();
  try {
    const url = new URL(address.trim());
    url.username = encodeURIComponent(name);
    url.password = encodeURIComponent(password);
    return url.href;
  } catch {
    return address.trim();
  }
}
