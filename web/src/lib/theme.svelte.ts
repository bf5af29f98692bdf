/** The colors of the page: those of the system, unless somebody chose light or dark in this browser. */
export type Theme = "system" | "light" | "dark";

export const THEMES: readonly Theme[] = ["system", "light", "dark"];
const KEPT = "echoic-theme";

export const theme = $state<{ chosen: Theme }>({ chosen: "system" });

/** Show the colors chosen before; called once, before anything is shown. */
export function startTheme(): void {
  const kept = localStorage.getItem(KEPT);
  theme.chosen = THEMES.find((one) => one === kept) ?? "system";
  // A style sheet's rule reads it: for older browsers the build replaces light-dark() by what a rule sets.
  document.documentElement.dataset["theme"] = theme.chosen;
}

export function chooseTheme(chosen: Theme): void {
  localStorage.setItem(KEPT, chosen);
  startTheme();
}
