/** The one table of shortcuts: what a key does now, and the sheet that lists them (WCAG 2.1.4: single letters can be off). */
import type { Key } from "../words/en";

const KEPT = "echoic-letters-off";

interface Shortcut {
  key: string;
  shown: string;
  does: Key;
  /** With Alt it works also while somebody writes. */
  whileWriting?: true;
}

/** In the order of the sheet. */
export const SHORTCUTS: Shortcut[] = [
  { key: " ", shown: "Space", does: "keyPlay" },
  { key: "k", shown: "k", does: "keyPlay", whileWriting: true },
  { key: "ArrowLeft", shown: "←", does: "back5" },
  { key: "ArrowRight", shown: "→", does: "ahead5" },
  { key: ",", shown: ",", does: "back5", whileWriting: true },
  { key: ".", shown: ".", does: "ahead5", whileWriting: true },
  { key: "l", shown: "l", does: "loop", whileWriting: true },
  { key: "<", shown: "<", does: "slower" },
  { key: ">", shown: ">", does: "faster" },
  { key: "h", shown: "h", does: "keyHear", whileWriting: true },
  { key: "t", shown: "t", does: "keyText" },
  { key: "e", shown: "e", does: "keyEdit" },
  { key: "s", shown: "s", does: "give" },
  { key: "c", shown: "c", does: "copyLines" },
  { key: "m", shown: "m", does: "keyQuote" },
  { key: "x", shown: "x", does: "exportAs" },
  { key: "f", shown: "f", does: "replaceTitle" },
  { key: "v", shown: "v", does: "versions" },
  { key: "u", shown: "u", does: "undo" },
  { key: "r", shown: "r", does: "redo" },
  { key: "d", shown: "d", does: "nextDoubt" },
  { key: "D", shown: "Shift d", does: "previousDoubt" },
  { key: "n", shown: "n", does: "nextMatch" },
  { key: "N", shown: "Shift n", does: "previousMatch" },
  { key: "ArrowDown", shown: "↓ ↑", does: "keyHits" },
  { key: "/", shown: "/", does: "keyFind" },
  { key: "?", shown: "?", does: "keyHelp" },
];

type Acts = Record<string, () => void>;

class Keys {
  lettersOn = $state(localStorage.getItem(KEPT) === null);
  private bound: Acts[] = [];

  /** Let keys do something until the returned function is called; the last binding of a key counts. */
  bind(acts: Acts): () => void {
    for (const key of Object.keys(acts)) {
      if (!SHORTCUTS.some((one) => one.key === key)) throw new Error(`the sheet does not list ${key}`);
    }
    this.bound = [...this.bound, acts];
    return () => (this.bound = this.bound.filter((one) => one !== acts));
  }

  switchLetters(on: boolean): void {
    this.lettersOn = on;
    if (on) localStorage.removeItem(KEPT);
    else localStorage.setItem(KEPT, "1");
  }

  pressed(event: KeyboardEvent): void {
    const { target } = event;
    if (event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const key = event.altKey ? letterOf(event) : event.key;
    if (target instanceof HTMLElement) {
      if (target.closest("dialog")) return;
      const isField = target.isContentEditable || !!target.closest("input, textarea, select");
      if (isField && !(event.altKey && SHORTCUTS.some((one) => one.key === key && one.whileWriting))) return;
      if ((key === " " || key.startsWith("Arrow")) && target.closest("button, a")) return;
    }
    if (key.length === 1 && key !== " " && !event.altKey && !this.lettersOn) return;
    const act = this.bound.findLast((acts) => key in acts)?.[key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

/** Alt changes the letter that a key writes on some systems, not the key. */
function letterOf({ code, shiftKey }: KeyboardEvent): string {
  const letter = /^Key([A-Z])$/.exec(code)?.[1];
  if (letter) return shiftKey ? letter : letter.toLowerCase();
  return { Comma: ",", Period: "." }[code] ?? "";
}

export const keys = new Keys();
