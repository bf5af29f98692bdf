/** What is offered to whom; what is allowed is the server's decision. */
import type { Dataset, Role } from "../api/types";

/** Whether a role in a library changes what is in it. */
export const mayChangeAs = (role: Role | null | undefined): boolean => role === "owner" || role === "editor";

/** Whether the caller reads what is said in a dataset as it is. From others something is hidden, and they change no text. */
export const readsOriginal = (dataset: Dataset | undefined): boolean => !dataset?.redaction?.for_you;
