/** The types of events that a webhook may be told of, and the states of its messages, by the words that the page has for them. */
import type { Delivery, Webhook } from "../api/types";
import type { Key } from "../words/en";

export type EventType = Webhook["events"][number];

export const EVENTS: Record<EventType, Key> = {
  "item.published": "eventPublished",
  "item.failed": "eventFailed",
  "item.deleted": "eventDeleted",
  "transcript.edited": "eventEdited",
  "alert.matched": "eventAlert",
  "feed.failed": "eventFeed",
  "source.failed": "eventSource",
};
export const EVENT_TYPES = Object.keys(EVENTS) as EventType[];

export const DELIVERY_STATES: Record<Delivery["state"], Key> = {
  waiting: "deliveryWaiting",
  paused: "deliveryPaused",
  delivered: "deliveryDelivered",
  failed: "deliveryFailed",
  withheld: "deliveryWithheld",
};

/** Why nothing is sent to a webhook. */
export const DISABLED: Record<NonNullable<Webhook["disabled_reason"]>, Key> = { by_owner: "disabledByOwner", failed: "disabledFailed", gone: "disabledGone" };

/** What went wrong in an attempt, where the page has words for its code. */
export const ATTEMPT_ERRORS: Record<string, Key> = {
  receiver_refused: "attemptRefused",
  receiver_timed_out: "attemptTimedOut",
  url_unresolvable: "attemptUnresolvable",
  url_unreachable: "attemptUnreachable",
  url_tls_failed: "attemptTls",
  url_answer_unusable: "attemptUnusable",
  url_forbidden: "attemptForbidden",
};
