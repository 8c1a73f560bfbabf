/** The same walks without the private door: everything passes on Node's public API too. */
process.env['BERYL_PUBLIC_SOCKETS'] = '1'
await import('./exchange.test.ts')
