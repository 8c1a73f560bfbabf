/** The page itself: empty until its modules run. */
import { asset, vendored } from './assets.ts'
import type { Asset } from './assets.ts'

/** Bare names in our modules and in those of the libraries → the files we serve for them. */
export function importMap(): string {
  const imports = Object.fromEntries(
    Object.entries(vendored).map(([name, file]) => [name, `/dashboard/${file}`]),
  )
  return JSON.stringify({ imports })
}

/** @param files everything served below /dashboard/: what is fetched early is not waited for later */
export function shell(files: Iterable<string>, map: string): Asset {
  const preloads = [...files]
    .filter((file) => file.endsWith('.js') || file.endsWith('.mjs'))
    .map((file) => `<link rel="modulepreload" href="/dashboard/${file}">`)
  return asset(
    'page.html',
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Beryl</title>
<link rel="icon" href="/dashboard/icon.svg">
<link rel="stylesheet" href="/dashboard/style.css">
<script type="importmap">${map}</script>
${preloads.join('\n')}
<script type="module" src="/dashboard/main.js"></script>
</head>
<body>
<noscript>This page is drawn by a script. Without one, <code>beryl status</code> says the same.</noscript>
</body>
</html>
`,
  )
}
