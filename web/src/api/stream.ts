/** Reads server-sent events of an answer to a POST, which the browser's own EventSource cannot ask for. */
import { PAGE_HEADER, refusalOf, Refused } from "./client";
import { t } from "../words/words.svelte";

/** The events of a text that has come so far, and what is left of it. */
export function eventsIn(text: string): { events: { name: string; data: string }[]; rest: string } {
  const frames = text.split("\n\n");
  const rest = frames.pop() ?? "";
  const events = frames.map((frame) => {
    const lines = frame.split("\n");
    const valueOf = (field: string): string => lines.filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2)).join("\n");
    return { name: valueOf("event"), data: valueOf("data") };
  });
  return { events: events.filter((one) => one.name), rest };
}

/** Send a request, and tell of each event with its data in JSON. Throws Refused; where it breaks off, too. */
export async function follow(path: string, body: unknown, signal: AbortSignal, tell: (name: string, data: unknown) => void): Promise<void> {
  try {
    const answer = await fetch(path, { method: "POST", headers: { ...PAGE_HEADER, "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}), signal });
    if (!answer.ok || !answer.body) throw await refusalOf(answer, path);
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const { events, rest } = eventsIn(text + value);
      text = rest;
      for (const one of events) tell(one.name, JSON.parse(one.data));
    }
  } catch (error) {
    if (signal.aborted || error instanceof Refused) throw error;
    throw new Refused(t("unreachable"), 0, "unreachable");
  }
}
