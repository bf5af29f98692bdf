import { describe, expect, it } from "vitest";
import { eventsIn } from "./stream";

const FRAMES = 'event: moments\ndata: {"a": 1}\n\n: still here\n\nevent: end\ndata: {"b":\ndata: 2}\n\n';

describe("events of an answer", () => {
  it("are read whole, and comments are none", () => {
    expect(eventsIn(FRAMES)).toEqual({ events: [{ name: "moments", data: '{"a": 1}' }, { name: "end", data: '{"b":\n2}' }], rest: "" });
  });

  it("wait for their end wherever the text is cut", () => {
    for (let cut = 0; cut <= FRAMES.length; cut++) {
      const first = eventsIn(FRAMES.slice(0, cut));
      const second = eventsIn(first.rest + FRAMES.slice(cut));
      expect([...first.events, ...second.events].map((one) => one.name)).toEqual(["moments", "end"]);
    }
  });
});
