/** The text follows the sound until a person scrolls, and says when the line that is heard is out of sight. */

const BY_HAND = /^(Page|Home$|End$|ArrowUp$|ArrowDown$)/;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export class Following {
  private on = true;
  private isLost = false;
  private isStill = false;
  private readonly listening = new AbortController();

  constructor(
    /** The element that is heard now. */
    private readonly heard: () => Element | undefined,
    private readonly lost: (isLost: boolean) => void,
  ) {
    const { signal } = this.listening;
    const letGo = (): void => {
      this.on = false;
    };
    for (const kind of ["wheel", "touchmove"] as const) addEventListener(kind, letGo, { passive: true, signal });
    addEventListener("keydown", (event) => BY_HAND.test(event.key) && !isField(event.target) && letGo(), { signal });
    // The scroll bar stands to the right of the content.
    addEventListener("pointerdown", (event) => event.clientX >= document.documentElement.clientWidth && letGo(), { signal });
    addEventListener("scroll", () => this.look(), { passive: true, signal });
  }

  /** Follow the sound again, from where it is. */
  start({ show = true } = {}): void {
    this.on = true;
    const heard = this.heard();
    if (show && heard) bring(heard, true);
    this.look();
  }

  /** Do something that changes which line is heard, without a scroll: the second click of a double click has to meet it. */
  still(act: () => void): void {
    this.isStill = true;
    act();
    this.isStill = false;
  }

  /** Another line is heard. Nothing moves while it is in sight, so that no text slips away under a click or an eye. */
  moved(): void {
    const heard = this.heard();
    if (this.on && !this.isStill && heard && isOutOfSight(heard)) bring(heard, false);
    this.look();
  }

  end(): void {
    this.listening.abort();
  }

  private look(): void {
    const heard = this.on ? undefined : this.heard();
    const isLost = !!heard && isOutOfSight(heard);
    if (isLost === this.isLost) return;
    this.isLost = isLost;
    this.lost(isLost);
  }
}

/** Whether not all of an element stands between the header and the player. */
function isOutOfSight(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect();
  const { scrollPaddingTop, scrollPaddingBottom } = getComputedStyle(document.documentElement);
  return top < (parseFloat(scrollPaddingTop) || 0) || bottom > innerHeight - (parseFloat(scrollPaddingBottom) || 0);
}

/** Bring an element into the middle of the window. */
export function bring(element: Element, smooth: boolean): void {
  element.scrollIntoView({ block: "center", behavior: smooth && !calm.matches ? "smooth" : "auto" });
}

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || target.matches("input, textarea, select"));
