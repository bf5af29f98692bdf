/** Draws a whole recording: its outline in the colors of who speaks, the speakers as lanes, doubtful places and matches as ticks. */

export interface Lane {
  start: number;
  end: number;
  voice: number;
}

export interface Picture {
  /** Length of the recording. */
  seconds: number;
  /** Lowest and highest sample in turn, from -127 to 127; empty while there are none. */
  pairs: Int8Array;
  lanes: readonly Lane[];
  doubts: readonly number[];
  matches: readonly number[];
}

const VOICES = 8;
const BAR = 2;
const STEP = 3;
/** The share of the height that the outline takes; ticks and lanes have the rest. */
const OUTLINE_SHARE = 0.66;
/** The least loudness that fills the height: silence is not drawn as noise. */
const LEAST_LOUDNESS = 12;

/** The loudest sample of each of so many equal parts, from 0 to 1 of the loudest of all. */
export function bars(pairs: Int8Array, count: number): number[] {
  const all = pairs.length / 2;
  const loudest = pairs.reduce((most, one) => Math.max(most, Math.abs(one)), LEAST_LOUDNESS);
  return Array.from({ length: count }, (_, bar) => {
    const from = Math.floor((bar * all) / count);
    const part = pairs.subarray(2 * from, 2 * Math.max(from + 1, Math.floor(((bar + 1) * all) / count)));
    return part.reduce((most, one) => Math.max(most, Math.abs(one)), 0) / loudest;
  });
}

/** Who speaks at each of so many equal steps: the last lane that has begun and goes on; -1 where nobody does. */
export function voices(lanes: readonly Lane[], seconds: number, count: number): number[] {
  let next = 0;
  let lane: Lane | undefined;
  return Array.from({ length: count }, (_, step) => {
    const at = ((step + 0.5) * seconds) / count;
    for (let one = lanes[next]; one && one.start <= at; one = lanes[++next]) lane = one;
    return lane && at < lane.end ? lane.voice : -1;
  });
}

/** The computed color of a custom property, which reads back as it is written, with `light-dark()`. */
function colorOf(element: HTMLElement, name: string): string {
  element.style.color = `var(${name})`;
  const color = getComputedStyle(element).color;
  element.style.color = "";
  return color;
}

export function draw(canvas: HTMLCanvasElement, picture: Picture): void {
  const context = canvas.getContext("2d");
  if (!context || !picture.seconds) return;
  const ratio = devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  context.scale(ratio, ratio);
  const colors = Array.from({ length: VOICES }, (_, voice) => colorOf(canvas, `--v${voice}`));
  const quiet = colorOf(canvas, "--ink-3");
  const across = (seconds: number): number => (seconds / picture.seconds) * width;
  const outline = Math.round(height * OUTLINE_SHARE);

  const count = Math.floor(width / STEP);
  const loud = bars(picture.pairs, picture.pairs.length ? count : 0);
  const said = voices(picture.lanes, picture.seconds, count);
  loud.forEach((share, bar) => {
    const tall = Math.max(1, share * outline);
    context.fillStyle = colors[said[bar] ?? -1] ?? quiet;
    context.fillRect(bar * STEP, (outline - tall) / 2, BAR, tall);
  });

  const tick = Math.max(3, Math.round(height * 0.08));
  const under = outline + 1;
  for (const [places, name, top] of [[picture.doubts, "--doubt", under], [picture.matches, "--accent", 0]] as const) {
    context.fillStyle = colorOf(canvas, name);
    for (const seconds of places) context.fillRect(Math.min(across(seconds), width - BAR), top, BAR, top ? tick : outline);
  }

  const rows = Math.max(3, ...picture.lanes.map((one) => one.voice + 1));
  const first = under + tick + 1;
  const row = (height - first) / rows;
  for (const one of picture.lanes) {
    context.fillStyle = colors[one.voice] ?? quiet;
    context.fillRect(across(one.start), first + row * one.voice, Math.max(1, across(one.end - one.start)), Math.max(1.5, row - 1));
  }
}
