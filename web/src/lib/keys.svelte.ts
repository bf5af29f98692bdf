/** The one table of shortcuts: what a key does now, and the sheet that lists them (WCAG 2.1.4: single letters can be off). */
import type { Key } from "../words/en";

const KEPT = "echoic-letters-off";

/** In the order of the sheet. */
export const SHORTCUTS: { key: string; shown: string; does: Key }[] = [
  { key: " ", shown: "Space", does: "keyPlay" },
  { key: "k", shown: "k", does: "keyPlay" },
  { key: "ArrowLeft", shown: "←", does: "back5" },
  { key: "ArrowRight", shown: "→", does: "ahead5" },
  { key: "l", shown: "l", does: "loop" },
  { key: "<", shown: "<", does: "slower" },
  { key: ">", shown: ">", does: "faster" },
  { key: "e", shown: "e", does: "keyEdit" },
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
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (target instanceof HTMLElement && (target.isContentEditable || target.closest("input, textarea, select, dialog"))) return;
    if ((key === " " || key.startsWith("Arrow")) && target instanceof HTMLElement && target.closest("button, a")) return;
    if (key.length === 1 && key !== " " && !this.lettersOn) return;
    const act = this.bound.findLast((acts) => key in acts)?.[key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

export const keys = new Keys();
