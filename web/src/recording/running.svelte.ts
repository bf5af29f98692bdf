/** Whether this page records, for the frame of all routes; the recorder itself is loaded where it is needed. */

export const recording = $state<{ state: "none" | "recording" | "paused"; seconds: number }>({ state: "none", seconds: 0 });
