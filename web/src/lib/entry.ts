/** A link to /sign-in brings something along behind its `#`, which browsers send to nobody. */

export const SIGN_IN_PATH = "/sign-in";

export interface Brought {
  /** A one-time token, which signs in. */
  token?: string;
  /** The token of an invitation to a library. */
  invitation?: string;
  /** The code of the reason why a sign-in at the provider let nobody in. */
  refused?: string;
}

const NAMES = ["token", "invitation", "refused"] as const;
const INVITATION = "echoic-invitation";
const LEFT = "echoic-left-for-provider";

/** The values behind the `#` of an address. */
export function broughtBy(hash: string): Brought {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  return Object.fromEntries(NAMES.flatMap((name) => (given.get(name) ? [[name, given.get(name)]] : []))) as Brought;
}

/** Take what the address of the sign-in brings, and remove it from the address: that is shown, kept and sent on. */
export function takeBrought(): Brought {
  if (location.pathname !== SIGN_IN_PATH) return {};
  const brought = broughtBy(location.hash);
  if (location.hash) history.replaceState(null, "", SIGN_IN_PATH);
  if (brought.invitation) sessionStorage.setItem(INVITATION, brought.invitation);
  return brought;
}

/** The invitation that was opened in this tab; it outlives a reload. */
export const openInvitation = (): string | null => sessionStorage.getItem(INVITATION);

/** Note that this tab goes to the provider, and where it is to be afterwards. The server accepts the invitation that is open. */
export function noteLeaving(address: string): void {
  sessionStorage.setItem(LEFT, address);
}

/** Where the tab is to be after it went to the provider; undefined where it did not. */
export function takeLeft(): string | undefined {
  const left = sessionStorage.getItem(LEFT) ?? undefined;
  sessionStorage.removeItem(LEFT);
  return left;
}

export const dropInvitation = (): void => sessionStorage.removeItem(INVITATION);
