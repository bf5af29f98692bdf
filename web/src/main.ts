import { mount } from "svelte";
import { startRouter } from "./lib/router.svelte";
import "./page.css";
import { startTheme } from "./lib/theme.svelte";
import { startLanguage } from "./words/words.svelte";

startTheme();
startRouter();
// At once: the frame is no part of this script, so that the words come beside it and not after it.
void Promise.all([import("./App.svelte"), startLanguage()]).then(([{ default: App }]) => mount(App, { target: document.body }));
