/**
 * The text of a recording as a list of paragraphs: one text node a line, marks by the CSS Custom Highlight API.
 *
 * It depends on no framework, so that marking a word costs the same in four hours as in a minute
 * (https://www.w3.org/TR/css-highlight-api-1/). Without that API only the line is marked.
 */
import type { Segment } from "../api/types";
import { clock } from "../lib/clock";
import { lastBegun, occurrences, wordAt, wordsOf, type TimedWord } from "./times";

export interface ViewHooks {
  seek(seconds: number): void;
  /** A speaker's name was chosen. */
  askWho(label: string): void;
  edit(line: number): void;
  save(segment: Segment, text: string): Promise<void>;
  copy(segment: Segment): void;
  /** Whether the line being heard is out of sight and is not followed. */
  lost(isLost: boolean): void;
}

export interface ViewWords {
  edit: string;
  copy: string;
  doubtful: string;
  nameOf(name: string | null, label: string | null): string;
  inLanguage(code: string): string;
}

interface Line {
  segment: Segment;
  paragraph: HTMLParagraphElement;
  text: Text;
  start: number;
}

const DOUBTFUL_SCORE = 0.4;
const VOICES = 8;
const canMark = "highlights" in CSS;

export class TranscriptView {
  readonly lines: Line[] = [];
  private words: TimedWord[] = [];
  private readonly voices = new Map<string, number>();
  private turn: { label: string | null; said: HTMLElement } | undefined;
  private now = -1;
  private following = true;
  private isLost = false;
  private matches: { line: number; from: number; to: number }[] = [];
  private readonly listening = new AbortController();

  constructor(
    private readonly root: HTMLElement,
    private readonly hooks: ViewHooks,
    private readonly says: ViewWords,
  ) {
    root.addEventListener("click", (event) => this.clicked(event), { signal: this.listening.signal });
    for (const kind of ["wheel", "touchmove"] as const) {
      addEventListener(kind, () => this.letGo(), { passive: true, signal: this.listening.signal });
    }
    addEventListener("keydown", (event) => /^(Page|Arrow|Home|End)/.test(event.key) && !isField(event.target) && this.letGo(), {
      signal: this.listening.signal,
    });
    addEventListener("scroll", () => this.look(), { passive: true, signal: this.listening.signal });
  }

  /** Show further segments behind those that are shown. */
  append(segments: readonly Segment[]): void {
    for (const segment of segments) {
      if (!segment.text) continue;
      if (!this.turn || this.turn.label !== segment.speaker) this.turn = this.begin(segment);
      const line = this.lines.length;
      const paragraph = document.createElement("p");
      const text = document.createTextNode("");
      const tools = this.toolsOf(line);
      paragraph.append(text);
      const row = document.createElement("div");
      row.className = "line";
      row.append(paragraph, tools);
      this.turn.said.append(row);
      this.lines.push({ segment, paragraph, text, start: segment.start });
      this.dress(line);
      this.words.push(...wordsOf(segment, line));
    }
    this.markDoubt();
  }

  /** Show a changed segment in place of the same one as it was. */
  change(segment: Segment): void {
    const line = this.lines.findIndex((one) => one.segment.id === segment.id);
    const held = this.lines[line];
    if (!held) return;
    held.segment = segment;
    this.dress(line);
    const kept = this.words.filter((word) => word.line !== line);
    const place = lastBegun(kept.map((word) => ({ start: word.line })), line - 1) + 1;
    this.words = [...kept.slice(0, place), ...wordsOf(segment, line), ...kept.slice(place)];
    this.markDoubt();
  }

  /** Mark what is said at a time, and keep it in sight while it is followed. */
  at(seconds: number): void {
    const line = lastBegun(this.lines, seconds);
    if (line !== this.now) {
      this.lines[this.now]?.paragraph.classList.remove("now");
      this.lines[line]?.paragraph.classList.add("now");
      this.now = line;
      if (this.following) this.show(line, false);
      this.look();
    }
    if (!canMark) return;
    const word = this.words[lastBegun(this.words, seconds)];
    if (word && seconds < word.end + 0.2) CSS.highlights.set("spoken", new Highlight(this.range(word)));
    else CSS.highlights.delete("spoken");
  }

  /** Follow the sound again, from where it is. */
  follow(): void {
    this.following = true;
    this.show(this.now, true);
    this.look();
  }

  /** Bring a line into sight. */
  show(line: number, smooth: boolean): void {
    this.lines[line]?.paragraph.scrollIntoView({ block: "center", behavior: smooth ? "smooth" : "auto" });
  }

  /** Mark every place of a text; returns their lines. */
  mark(wanted: string): number[] {
    this.matches = occurrences(
      this.lines.map((line) => line.text.data),
      wanted,
    );
    if (canMark) CSS.highlights.set("match", new Highlight(...this.matches.map((match) => this.range(match))));
    return this.matches.map((match) => match.line);
  }

  /** Lines that are likely wrong. */
  doubtful(): number[] {
    return this.lines.flatMap((line, place) => (line.segment.quality === "doubtful" ? [place] : []));
  }

  /** The line being heard, or that of the focus. */
  current(): number {
    const focused = this.lines.findIndex((line) => line.paragraph.parentElement?.contains(document.activeElement));
    return focused >= 0 ? focused : this.now;
  }

  /** Let a person write in a line. Enter and leaving it save, Escape gives the text back. */
  edit(place: number): void {
    const line = this.lines[place];
    if (!line || line.paragraph.isContentEditable) return;
    const { paragraph } = line;
    const before = line.segment.text;
    paragraph.contentEditable = "plaintext-only";
    paragraph.setAttribute("role", "textbox");
    paragraph.focus();
    const done = new AbortController();
    const end = async (keep: boolean): Promise<void> => {
      done.abort();
      const written = (paragraph.textContent ?? "").replace(/\s+/g, " ").trim();
      paragraph.contentEditable = "false";
      paragraph.removeAttribute("role");
      if (!keep || written === before) {
        this.dress(place);
        return;
      }
      paragraph.classList.add("saving");
      try {
        await this.hooks.save(line.segment, written);
      } finally {
        paragraph.classList.remove("saving");
        this.dress(place);
      }
    };
    paragraph.addEventListener(
      "keydown",
      (event) => {
        event.stopPropagation();
        if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
        event.preventDefault();
        void end(event.key === "Enter");
      },
      { signal: done.signal },
    );
    paragraph.addEventListener("blur", () => void end(true), { signal: done.signal });
  }

  /** Which of the eight colors a label has. */
  voice(label: string | null): number {
    if (label === null) return VOICES - 1;
    if (!this.voices.has(label)) this.voices.set(label, this.voices.size % VOICES);
    return this.voices.get(label) ?? 0;
  }

  /** Show nothing any more. */
  end(): void {
    this.listening.abort();
    this.root.replaceChildren();
    if (canMark) for (const name of ["spoken", "match", "doubt"]) CSS.highlights.delete(name);
  }

  private begin(segment: Segment): { label: string | null; said: HTMLElement } {
    const turn = document.createElement("li");
    turn.className = `turn v${this.voice(segment.speaker)}`;
    const head = document.createElement("div");
    head.className = "who";
    const name = this.says.nameOf(segment.speaker_name, segment.speaker);
    const who = document.createElement(segment.speaker ? "button" : "span");
    who.className = "name";
    who.textContent = name;
    if (segment.speaker) who.dataset["label"] = segment.speaker;
    const time = document.createElement("button");
    time.className = "time";
    time.textContent = clock(segment.start);
    time.dataset["seconds"] = String(segment.start);
    head.append(who, time);
    const said = document.createElement("div");
    said.className = "said";
    turn.append(head, said);
    this.root.append(turn);
    return { label: segment.speaker, said };
  }

  private toolsOf(line: number): HTMLElement {
    const tools = document.createElement("span");
    tools.className = "tools";
    for (const [act, shown] of [
      ["edit", this.says.edit],
      ["copy", this.says.copy],
    ] as const) {
      const button = document.createElement("button");
      button.className = "button quiet";
      button.textContent = shown;
      button.dataset["act"] = act;
      button.dataset["line"] = String(line);
      tools.append(button);
    }
    return tools;
  }

  /** Give a line the text, language and mark of its segment. */
  private dress(place: number): void {
    const line = this.lines[place];
    if (!line) return;
    const { segment, paragraph } = line;
    if (paragraph.firstChild !== line.text || paragraph.childNodes.length !== 1) paragraph.replaceChildren(line.text);
    if (line.text.data !== segment.text) line.text.data = segment.text;
    paragraph.dataset["line"] = String(place);
    paragraph.classList.toggle("doubtful", segment.quality === "doubtful");
    paragraph.lang = segment.language ?? "";
    const remarks = [
      segment.quality === "doubtful" ? this.says.doubtful : "",
      segment.language ? this.says.inLanguage(segment.language) : "",
    ].filter(Boolean);
    if (remarks.length) paragraph.title = remarks.join("; ");
    else paragraph.removeAttribute("title");
  }

  private clicked(event: MouseEvent): void {
    if (!(event.target instanceof Element) || getSelection()?.type === "Range") return;
    const { label, seconds, act, line } = (event.target.closest<HTMLElement>("button, p")?.dataset ?? {}) as DOMStringMap;
    if (label) this.hooks.askWho(label);
    else if (seconds) this.hooks.seek(Number(seconds));
    else if (act === "edit") this.hooks.edit(Number(line));
    else if (act === "copy") this.copyLine(Number(line));
    else if (line !== undefined) this.seekTo(Number(line), event);
  }

  private copyLine(place: number): void {
    const line = this.lines[place];
    if (line) this.hooks.copy(line.segment);
  }

  private seekTo(place: number, event: MouseEvent): void {
    const line = this.lines[place];
    if (!line || line.paragraph.isContentEditable) return;
    const offset = offsetAt(event.clientX, event.clientY, line.text);
    const word = offset === undefined ? undefined : wordAt(this.words, place, offset);
    this.following = true;
    this.hooks.seek(word?.start ?? line.segment.start);
  }

  private range(place: { line: number; from: number; to: number }): Range {
    const range = new Range();
    const text = this.lines[place.line]?.text;
    if (text) {
      range.setStart(text, Math.min(place.from, text.length));
      range.setEnd(text, Math.min(place.to, text.length));
    }
    return range;
  }

  private markDoubt(): void {
    if (!canMark) return;
    const doubtful = this.words.filter((word) => word.score < DOUBTFUL_SCORE);
    CSS.highlights.set("doubt", new Highlight(...doubtful.map((word) => this.range(word))));
  }

  private letGo(): void {
    this.following = false;
  }

  private look(): void {
    const box = this.lines[this.now]?.paragraph.getBoundingClientRect();
    const isLost = !!box && !this.following && (box.bottom < 0 || box.top > innerHeight);
    if (isLost !== this.isLost) {
      this.isLost = isLost;
      this.hooks.lost(isLost);
    }
  }
}

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));

/** The offset in a text node under a point of the window. */
function offsetAt(x: number, y: number, text: Text): number | undefined {
  if ("caretPositionFromPoint" in document) {
    const caret = document.caretPositionFromPoint(x, y);
    return caret?.offsetNode === text ? caret.offset : undefined;
  }
  // Safari has this older form alone.
  const range = (document as Document).caretRangeFromPoint(x, y);
  return range?.startContainer === text ? range.startOffset : undefined;
}
