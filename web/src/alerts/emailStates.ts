/** The states of an e-mail address by the words that the page has for them. */
import type { EmailAddress } from "../api/types";
import type { Key } from "../words/en";

export const EMAIL_STATES: Record<EmailAddress["state"], Key> = {
  unconfirmed: "emailUnconfirmed",
  confirmed: "emailConfirmed",
  unsubscribed: "emailUnsubscribed",
  refused: "emailRefused",
  failed: "emailFailed",
};
