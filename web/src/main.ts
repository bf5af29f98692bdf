import { mount } from "svelte";
import App from "./App.svelte";
import { startRouter } from "./lib/router.svelte";
import "./page.css";
import { startLanguage } from "./words/words.svelte";

startLanguage();
startRouter();
mount(App, { target: document.body });
