import { svelte } from "@sveltejs/vite-plugin-svelte";
import type { Plugin, Rollup } from "vite";
import { defineConfig } from "vitest/config";

const SERVER = "http://127.0.0.1:8080";
const FRAME = "/src/App.svelte";

const isFrame = (one: Rollup.OutputBundle[string] | undefined): boolean => one?.type === "chunk" && !!one.facadeModuleId?.endsWith(FRAME);

/** Names the frame in the document, with all that it needs, so that it loads at once and not when the first script asks for it. */
const preloadedFrame: Plugin = {
  name: "preloaded-frame",
  transformIndexHtml: {
    order: "post",
    handler: (html, { bundle = {} }) => {
      const scripts = new Set(Object.keys(bundle).filter((name) => isFrame(bundle[name])));
      const styles = new Set<string>();
      // What is found on the way is gone through as well.
      for (const name of scripts) {
        const script = bundle[name];
        if (script?.type !== "chunk") continue;
        for (const needed of script.imports) scripts.add(needed);
        for (const style of script.viteMetadata?.importedCss ?? []) styles.add(style);
      }
      return [
        ...[...scripts].map((name) => ({ rel: "modulepreload", href: `/${name}` })),
        ...[...styles].map((name) => ({ rel: "stylesheet", href: `/${name}` })),
      ]
        .filter(({ href }) => !html.includes(href))
        .map((attrs) => ({ tag: "link", attrs: { ...attrs, crossorigin: true }, injectTo: "head" as const }));
    },
  },
};

export default defineConfig({
  plugins: [svelte(), preloadedFrame],
  build: {
    outDir: "../echoic/web_files",
    emptyOutDir: true,
    // Inlined files would need `data:` in the content security policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // A table of how long the build took is no warning to whoever starts Echoic for the first time.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  // `npx vite` shows changes at once, with the API of a running server behind it.
  server: { proxy: { "/api": SERVER } },
  test: { include: ["src/**/*.test.ts"] },
});
