/** What is offered to whom; what is allowed is the server's decision. */
import type { Role } from "../api/types";

/** Whether a role in a library changes what is in it. */
export const mayChangeAs = (role: Role | null | undefined): boolean => role === "owner" || role === "editor";
