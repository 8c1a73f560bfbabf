// One of Beryl's own processes; the supervisor names its program.
await import('./compile-cache.js')

await import(process.argv[2])
