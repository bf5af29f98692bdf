/**
 * The lines that a person has chosen: those that the selection touches, else the line that has the focus.
 *
 * One line at a time can be reached by Tab; the arrow keys lead from line to line, with Shift they extend the selection.
 */

export interface ChoiceHooks {
  chose(lines: readonly number[]): void;
  /** Enter at a line: to what can be done with it. */
  toActs(): void;
}

export class Choice {
  private reachable: HTMLElement | undefined;
  private anchor: number | undefined;
  private lines: readonly number[] = [];
  private readonly listening = new AbortController();

  constructor(
    private readonly root: HTMLElement,
    private readonly paragraphs: readonly { paragraph: HTMLElement; text: Text }[],
    private readonly hooks: ChoiceHooks,
  ) {
    const { signal } = this.listening;
    root.addEventListener("focusin", (event) => this.focused(event.target), { signal });
    root.addEventListener("keydown", (event) => this.pressed(event), { signal });
    document.addEventListener("selectionchange", () => this.selected(), { signal });
  }

  /** The first line can be reached by Tab before any was visited. */
  begin(): void {
    this.reach(this.paragraphs[0]?.paragraph);
  }

  /** The line that was visited last, or -1. */
  get visited(): number {
    return this.lines.length === 1 ? (this.lines[0] ?? -1) : lineOf(document.activeElement);
  }

  focus(line: number): void {
    this.paragraphs[line]?.paragraph.focus({ preventScroll: true });
  }

  clear(): void {
    getSelection()?.removeAllRanges();
    this.choose([]);
  }

  end(): void {
    this.listening.abort();
  }

  private focused(target: EventTarget | null): void {
    const line = lineOf(target);
    const paragraph = this.paragraphs[line]?.paragraph;
    if (!paragraph || paragraph.isContentEditable) return;
    this.reach(paragraph);
    if (getSelection()?.type !== "Range") this.choose([line]);
  }

  private reach(paragraph: HTMLElement | undefined): void {
    if (this.reachable) this.reachable.tabIndex = -1;
    this.reachable = paragraph;
    if (paragraph) paragraph.tabIndex = 0;
  }

  private selected(): void {
    const selection = getSelection();
    if (!selection?.rangeCount || selection.type !== "Range") return;
    const range = selection.getRangeAt(0);
    if (!range.intersectsNode(this.root) || (range.startContainer.parentElement?.isContentEditable ?? false)) return;
    this.choose(this.paragraphs.flatMap((one, line) => (touches(range, one.text) ? [line] : [])));
  }

  private choose(lines: readonly number[]): void {
    if (lines.length === this.lines.length && lines[0] === this.lines[0] && lines.at(-1) === this.lines.at(-1)) return;
    this.lines = lines;
    this.hooks.chose(lines);
  }

  private pressed(event: KeyboardEvent): void {
    const line = lineOf(event.target);
    const { key, shiftKey } = event;
    if (line < 0 || event.ctrlKey || event.metaKey || event.altKey || this.paragraphs[line]?.paragraph.isContentEditable) return;
    if (key === "ArrowDown" || key === "ArrowUp") {
      const next = line + (key === "ArrowDown" ? 1 : -1);
      if (!this.paragraphs[next]) return;
      event.preventDefault();
      if (shiftKey) this.extend(line, next);
      else this.go(next);
    } else if (key === "Enter") {
      event.preventDefault();
      this.hooks.toActs();
    } else if (key === "Escape") {
      this.clear();
    }
  }

  private go(line: number): void {
    this.anchor = undefined;
    getSelection()?.removeAllRanges();
    this.paragraphs[line]?.paragraph.focus();
  }

  private extend(from: number, to: number): void {
    this.anchor ??= from;
    this.paragraphs[to]?.paragraph.focus();
    const [first, last] = [this.paragraphs[this.anchor]?.text, this.paragraphs[to]?.text];
    if (!first || !last) return;
    if (to >= this.anchor) getSelection()?.setBaseAndExtent(first, 0, last, last.length);
    else getSelection()?.setBaseAndExtent(first, first.length, last, 0);
  }
}

/** The line that an element shows or stands in, or -1. */
export function lineOf(target: EventTarget | null): number {
  const shown = target instanceof Element ? target.closest<HTMLElement>("p[data-line]") : null;
  return shown ? Number(shown.dataset["line"]) : -1;
}

/** Whether a range holds at least a letter of a text. */
function touches(range: Range, text: Text): boolean {
  if (!range.intersectsNode(text)) return false;
  if (range.startContainer === text && range.startOffset >= text.length) return false;
  return !(range.endContainer === text && range.endOffset === 0);
}
