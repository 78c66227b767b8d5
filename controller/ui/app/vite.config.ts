import { defineConfig } from "vite";

// The bundle is embedded in the binary: no inline script (strict CSP), no
// source map, assets under /ui/assets/.
export default defineConfig({
  base: "/ui/",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { outDir: "../dist", emptyOutDir: false, modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
});
