/**
 * The text of a recording as a list of paragraphs: one text node a line, marks by the CSS Custom Highlight API.
 *
 * It depends on no framework, so that marking a word costs the same in four hours as in a minute
 * (https://www.w3.org/TR/css-highlight-api-1/). Without that API only the line is marked.
 */
import type { Segment } from "../api/types";
import { clock } from "../lib/clock";
import { Choice, lineOf } from "./choice";
import { write } from "./edit";
import { bring, Following } from "./follow";
import { lastBegun, occurrences, wordAt, wordsOf, type Stretch, type TimedWord } from "./times";

export interface ViewHooks {
  seek(seconds: number): void;
  /** A speaker's name was chosen. */
  askWho(label: string): void;
  edit(line: number): void;
  save(segment: Segment, text: string): Promise<void>;
  /** Other lines are chosen, or none. */
  chose(lines: readonly number[]): void;
  /** Enter at a line: to what can be done with it. */
  toActs(): void;
  /** Whether the line being heard is out of sight and is not followed. */
  lost(isLost: boolean): void;
}

export interface ViewWords {
  doubtful: string;
  repaired: string;
  nameOf(name: string | null, label: string | null): string;
  inLanguage(code: string): string;
}

export interface Line {
  segment: Segment;
  paragraph: HTMLParagraphElement;
  text: Text;
  start: number;
}

/** A stretch of the text with its moment in the recording. */
export interface Place extends Stretch {
  start: number;
}

interface Turn {
  label: string | null;
  start: number;
  said: HTMLElement;
}

const DOUBTFUL_SCORE = 0.4;
const VOICES = 8;
/** Somebody who speaks for longer gets the time again. */
const TURN_SECONDS = 60;
const MARKS = ["spoken", "match", "doubt", "at"];
const canMark = "highlights" in CSS;

export class TranscriptView {
  readonly lines: Line[] = [];
  private words: TimedWord[] = [];
  private readonly voices = new Map<string, number>();
  private turn: Turn | undefined;
  private now = -1;
  private readonly following: Following;
  private readonly choice: Choice;
  private readonly listening = new AbortController();

  constructor(
    private readonly root: HTMLElement,
    private readonly hooks: ViewHooks,
    private readonly says: ViewWords,
  ) {
    this.following = new Following(() => this.lines[this.now]?.paragraph, hooks.lost);
    this.choice = new Choice(root, this.lines, hooks);
    root.addEventListener("click", (event) => this.clicked(event), { signal: this.listening.signal });
    root.addEventListener("dblclick", (event) => this.clickedTwice(event), { signal: this.listening.signal });
  }

  /** Show further segments behind those that are shown. */
  append(segments: readonly Segment[]): void {
    const isFirst = !this.lines.length;
    for (const segment of segments) {
      if (!segment.text) continue;
      if (!this.turn || this.turn.label !== segment.speaker || segment.start - this.turn.start > TURN_SECONDS) this.turn = this.begin(segment);
      const line = this.lines.length;
      const paragraph = document.createElement("p");
      const text = document.createTextNode("");
      paragraph.append(text);
      paragraph.tabIndex = -1;
      this.turn.said.append(paragraph);
      this.lines.push({ segment, paragraph, text, start: segment.start });
      this.dress(line);
      this.words.push(...wordsOf(segment, line));
    }
    if (isFirst) this.choice.begin();
    this.markDoubt();
  }

  /** Show other segments in place of all. */
  replaceAll(segments: readonly Segment[]): void {
    const visited = this.choice.visited;
    const focused = this.root.contains(document.activeElement);
    this.root.replaceChildren();
    this.lines.length = 0;
    this.words = [];
    this.turn = undefined;
    this.now = -1;
    this.append(segments);
    if (focused) this.choice.focus(visited);
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
      this.following.moved();
    }
    if (!canMark) return;
    const word = this.words[lastBegun(this.words, seconds)];
    if (word && seconds < word.end + 0.2) CSS.highlights.set("spoken", new Highlight(this.range(word)));
    else CSS.highlights.delete("spoken");
  }

  /** Follow the sound again, from where it is. */
  follow(): void {
    this.following.start();
  }

  /** Bring a place into sight, mark it, and let it have the focus. */
  show(place: Place): void {
    const paragraph = this.lines[place.line]?.paragraph;
    if (!paragraph) return;
    getSelection()?.removeAllRanges();
    this.choice.focus(place.line);
    bring(paragraph, true);
    if (canMark) CSS.highlights.set("at", new Highlight(this.range(place)));
  }

  /** Mark every place of some texts. */
  mark(wanted: readonly string[]): Place[] {
    const texts = this.lines.map((line) => line.text.data);
    const matches = occurrences(texts, wanted).map((one) => this.timed(one));
    if (canMark) CSS.highlights.set("match", new Highlight(...matches.map((match) => this.range(match))));
    return matches;
  }

  /** Lines that are likely wrong as a whole, and words that are. */
  doubtful(): Place[] {
    const words = new Map<number, TimedWord[]>();
    for (const word of this.words) if (word.score < DOUBTFUL_SCORE) words.set(word.line, [...(words.get(word.line) ?? []), word]);
    return this.lines.flatMap(({ segment, text, start }, line): Place[] =>
      segment.quality === "doubtful" ? [{ line, from: 0, to: text.length, start }] : (words.get(line) ?? []),
    );
  }

  /** The line of the focus or the one visited last; else the line being heard. */
  current(): number {
    return this.choice.visited >= 0 ? this.choice.visited : this.now;
  }

  /** Whether a person writes in a line, or what was written is being saved. */
  get isWriting(): boolean {
    return this.root.querySelector(".saving, [role=textbox]") !== null;
  }

  focus(line: number): void {
    this.choice.focus(line);
  }

  /** Choose no line any more. */
  unchoose(): void {
    this.choice.clear();
  }

  /** Let a person write in a line. Enter and leaving it save, Escape gives the text back. */
  edit(place: number, proposed?: string): void {
    const line = this.lines[place];
    if (!line || line.paragraph.isContentEditable) return;
    const { paragraph } = line;
    if (proposed !== undefined) line.text.data = proposed;
    write(paragraph, line.segment.text, (written) => {
      if (written === undefined) {
        this.dress(place);
        return;
      }
      paragraph.classList.add("saving");
      void this.hooks.save(line.segment, written).finally(() => {
        paragraph.classList.remove("saving");
        this.dress(place);
      });
    });
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
    this.following.end();
    this.choice.end();
    this.root.replaceChildren();
    if (canMark) for (const name of MARKS) CSS.highlights.delete(name);
  }

  private begin(segment: Segment): Turn {
    const turn = document.createElement("li");
    turn.className = `turn v${this.voice(segment.speaker)}`;
    const head = document.createElement("div");
    head.className = "who";
    const goesOn = this.turn?.label === segment.speaker;
    const who = document.createElement(segment.speaker && !goesOn ? "button" : "span");
    who.className = goesOn ? "visually-hidden" : "name";
    who.textContent = this.says.nameOf(segment.speaker_name, segment.speaker);
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
    return { label: segment.speaker, start: segment.start, said };
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
      segment.quality === "repaired" ? this.says.repaired : "",
      segment.language ? this.says.inLanguage(segment.language) : "",
    ].filter(Boolean);
    if (remarks.length) paragraph.title = remarks.join("; ");
    else paragraph.removeAttribute("title");
  }

  private clicked(event: MouseEvent): void {
    if (!(event.target instanceof Element) || getSelection()?.type === "Range") return;
    const { label, seconds, line } = (event.target.closest<HTMLElement>("button, p")?.dataset ?? {}) as DOMStringMap;
    if (label) this.hooks.askWho(label);
    else if (seconds) this.hooks.seek(Number(seconds));
    else if (line !== undefined) this.seekTo(Number(line), event);
  }

  /** The word under the mouse stays selected, so that what is written next replaces it. */
  private clickedTwice(event: MouseEvent): void {
    const line = lineOf(event.target);
    if (line >= 0) this.hooks.edit(line);
  }

  private seekTo(place: number, event: MouseEvent): void {
    const line = this.lines[place];
    if (!line || line.paragraph.isContentEditable) return;
    const offset = offsetAt(event.clientX, event.clientY, line.text);
    const word = offset === undefined ? undefined : wordAt(this.words, place, offset);
    this.following.start({ show: false });
    this.following.still(() => this.hooks.seek(word?.start ?? line.segment.start));
  }

  private timed(stretch: Stretch): Place {
    const start = wordAt(this.words, stretch.line, stretch.from)?.start ?? this.lines[stretch.line]?.start ?? 0;
    return { ...stretch, start };
  }

  private range(place: Stretch): Range {
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
}

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
