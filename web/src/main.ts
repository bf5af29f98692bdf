import { mount } from "svelte";
import App from "./App.svelte";
import { startRouter } from "./lib/router.svelte";
import "./page.css";
import { startTheme } from "./lib/theme.svelte";
import { startLanguage } from "./words/words.svelte";

startTheme();
startRouter();
void startLanguage().then(() => mount(App, { target: document.body }));
