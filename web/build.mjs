// The page as it is served: one script, one style sheet, nothing else to load. The same sources give the same bytes.
// `node build.mjs [folder]`: where to; the server's own folder unless told.
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2] ?? join(here, "../src/multimodal_assistant/server/static");
const banner = '/* Built from web/ by "npm --prefix web run build". */';

await mkdir(out, { recursive: true });
await build({
  entryPoints: [
    { in: join(here, "src/main.ts"), out: "app" },
    { in: join(here, "app.css"), out: "app" },
    { in: join(here, "src/dashboard.ts"), out: "dashboard" },
    { in: join(here, "dashboard.css"), out: "dashboard" },
  ],
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: banner, css: banner },
  absWorkingDir: here,
  logLevel: "warning",
});
for (const name of ["index.html", "dashboard.html", "icon.svg"]) await copyFile(join(here, name), join(out, name));
