/** A paragraph in which a person writes: in place, without a dialog. It depends on no framework. */

/** Of the player: it is used while somebody writes, and must not end that. */
const PLAYER_BUTTONS = ".dock button";

/**
 * Let a person write in a paragraph.
 *
 * Enter and leaving it keep what was written, Escape gives the text back; white space becomes single blanks, so that
 * nothing is split. `done` is called once, with the new text, or with undefined where it is to stay as it was.
 */
export function write(paragraph: HTMLElement, before: string, done: (written: string | undefined) => void): void {
  const over = new AbortController();
  const { signal } = over;
  const end = (keep: boolean): void => {
    over.abort();
    const written = (paragraph.textContent ?? "").replace(/\s+/g, " ").trim();
    paragraph.contentEditable = "false";
    paragraph.removeAttribute("role");
    done(keep && written !== before ? written : undefined);
  };
  paragraph.contentEditable = "plaintext-only";
  paragraph.setAttribute("role", "textbox");
  paragraph.focus();
  paragraph.addEventListener(
    "keydown",
    (event) => {
      if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
      event.preventDefault();
      event.stopPropagation();
      end(event.key === "Enter");
      paragraph.focus();
    },
    { signal },
  );
  // The window lost the focus, not the paragraph: whoever looks something up elsewhere goes on writing.
  paragraph.addEventListener("blur", () => document.activeElement !== paragraph && end(true), { signal });
  document.addEventListener("mousedown", (event) => event.target instanceof Element && event.target.closest(PLAYER_BUTTONS) && event.preventDefault(), { signal });
  addEventListener("beforeunload", (event) => (paragraph.textContent ?? "").trim() !== before && event.preventDefault(), { signal });
}
