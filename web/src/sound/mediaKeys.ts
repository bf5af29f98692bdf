/** The keys of keyboards, headsets and lock screens (https://www.w3.org/TR/mediasession/). */

export interface MediaActs {
  play(): void;
  pause(): void;
  /** So many seconds ahead, or back. */
  jump(seconds: number): void;
  seek(seconds: number): void;
}

/** Let the keys act until the returned function is called. */
export function offerMediaKeys(title: string, acts: MediaActs, stepSeconds: number): () => void {
  if (!("mediaSession" in navigator)) return () => undefined;
  const session = navigator.mediaSession;
  session.metadata = new MediaMetadata({ title });
  const handlers: Partial<Record<MediaSessionAction, MediaSessionActionHandler>> = {
    play: () => acts.play(),
    pause: () => acts.pause(),
    seekbackward: ({ seekOffset }) => acts.jump(-(seekOffset ?? stepSeconds)),
    seekforward: ({ seekOffset }) => acts.jump(seekOffset ?? stepSeconds),
    // Many headsets have these two alone.
    previoustrack: () => acts.jump(-stepSeconds),
    nexttrack: () => acts.jump(stepSeconds),
    seekto: ({ seekTime }) => seekTime !== undefined && acts.seek(seekTime),
  };
  const names = Object.keys(handlers) as MediaSessionAction[];
  for (const name of names) session.setActionHandler(name, handlers[name] ?? null);
  return () => {
    for (const name of names) session.setActionHandler(name, null);
    session.metadata = null;
    session.playbackState = "none";
  };
}

/** Tell the lock screen where the recording stands. */
export function tellPosition(duration: number, position: number, playbackRate: number, playing: boolean): void {
  if (!("mediaSession" in navigator) || !duration) return;
  navigator.mediaSession.playbackState = playing ? "playing" : "paused";
  navigator.mediaSession.setPositionState({ duration, position: Math.min(position, duration), playbackRate });
}
