/** The outline of a recording as the server keeps it; an older recording's is made when it is first asked for. */

const MAX_TRIES = 60;
const SECONDS_BETWEEN = 5;

/** The pairs of an item; none where the server has none. It asks until they are made, unless the signal ends it. */
export async function outlineOf(path: string, signal: AbortSignal): Promise<Int8Array> {
  for (let tries = 0; tries < MAX_TRIES && !signal.aborted; tries++) {
    const answer = await fetch(path, { signal });
    if (answer.ok) return new Int8Array(await answer.arrayBuffer());
    if (answer.status !== 423) break;
    await new Promise((done) => setTimeout(done, 1000 * (Number(answer.headers.get("Retry-After")) || SECONDS_BETWEEN)));
  }
  return new Int8Array();
}
