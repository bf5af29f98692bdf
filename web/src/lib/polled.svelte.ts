/** Looks at something again when it may have changed, at most every so many seconds. */
import { watched } from "../live/watched";

export const polled = (look: () => Promise<void>, seconds: number): (() => void) => watched(look, undefined, seconds * 1000);
