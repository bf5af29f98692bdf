/** The people whom a library knows by name, for completing a name that is typed. */
import { ask, query } from "../api/client";
import type { SpeakerList } from "../api/types";

const PAGE = 100;
const MOST = 1000;

/** Their names; the first thousand, in the order of the server. */
export async function knownPeople(library: string): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const list = await ask<SpeakerList>("GET", `/api/libraries/${library}/speakers${query({ limit: PAGE, offset: names.length })}`);
    names.push(...list.speakers.map((one) => one.name));
    if (!list.speakers.length || names.length >= Math.min(list.total, MOST)) return names;
  }
}
