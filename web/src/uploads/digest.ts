/** The digest of a file, by which the server knows whether it holds the same bytes. */
import address from "./digest.worker?worker&url";
import type { Told } from "./digest.worker";

interface TrustedPolicy {
  createScriptURL(asked: string): string;
}

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL: (asked: string) => string }): TrustedPolicy;
}

let policy: TrustedPolicy | undefined;

/** The address of the worker, and no other, as browsers with Trusted Types want it. */
function trusted(): string {
  const types = (globalThis as { trustedTypes?: TrustedTypes }).trustedTypes;
  if (!types) return address;
  policy ??= types.createPolicy("echoic-worker", { createScriptURL: () => address });
  return policy.createScriptURL(address);
}

/** The SHA-256 of a file in hexadecimal; `progress` is told the bytes that are read. Throws Error where the file cannot be read. */
export function digestOf(file: Blob, progress: (bytes: number) => void, signal: AbortSignal): Promise<string> {
  const worker = new Worker(trusted(), { type: "module" });
  return new Promise<string>((done, failed) => {
    worker.onmessage = (event: MessageEvent<Told>) => {
      const told = event.data;
      if ("digest" in told) done(told.digest);
      else if ("failure" in told) failed(new Error(told.failure));
      else progress(told.read);
    };
    worker.onerror = (event) => failed(new Error(event.message));
    signal.addEventListener("abort", () => failed(new DOMException("given up", "AbortError")));
    worker.postMessage(file);
  }).finally(() => worker.terminate());
}
